package planfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"echelon/planner"
)

// Corrupt is the error of plan files that are not what their manifest says; nothing of them was decoded.
type Corrupt struct {
	File string
	What string
}

// Error names the file and what is wrong with it.
func (c *Corrupt) Error() string { return fmt.Sprintf("plan file %s: %s", c.File, c.What) }

// DC is the plan files of one DC and cycle, opened: the manifest is read, nothing else yet. Its methods may
// be called by several goroutines.
type DC struct {
	Dir      string
	Manifest *Manifest

	mu     sync.Mutex
	proven map[string]bool // layers whose digest was checked
}

// Open reads the manifest of a folder of plan files. A folder without one is an fs.ErrNotExist.
func Open(dir string) (*DC, error) {
	raw, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if err != nil {
		return nil, fmt.Errorf("open plan files: %w", err)
	}
	m, err := DecodeManifest(raw)
	if err != nil {
		return nil, &Corrupt{File: filepath.Join(dir, ManifestName), What: err.Error()}
	}
	return &DC{Dir: dir, Manifest: m, proven: make(map[string]bool)}, nil
}

// Verify checks size and digest of every file of the folder, not of its base.
func (d *DC) Verify(ctx context.Context) error {
	var pack []byte // net.bin: read once for all its parts
	for i := range d.Manifest.Layers {
		l := &d.Manifest.Layers[i]
		if l.File != netName {
			if err := d.prove(ctx, l); err != nil {
				return err
			}
			continue
		}
		part := &PlainFile{File: l.File, At: l.At, SHA256: l.SHA256, Bytes: l.Bytes}
		if err := d.provePart(ctx, &pack, part); err != nil {
			return err
		}
		d.mu.Lock()
		d.proven[l.Layer] = true
		d.mu.Unlock()
	}
	for _, f := range []*PlainFile{d.Manifest.Kept, d.Manifest.Groups} {
		if f == nil {
			continue
		}
		if f.File == netName {
			if err := d.provePart(ctx, &pack, f); err != nil {
				return err
			}
		} else if _, err := d.plain(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// provePart checks a part of a pack, which is read when it is not.
func (d *DC) provePart(ctx context.Context, pack *[]byte, f *PlainFile) error {
	if *pack == nil {
		raw, err := d.readPlain(ctx, f)
		if err != nil {
			return err
		}
		*pack = raw
	}
	_, err := d.partOf(*pack, f)
	return err
}

// end is where the last part of a file ends, so how long it is.
func (d *DC) end(file string) int64 {
	var end int64
	for i := range d.Manifest.Layers {
		if l := &d.Manifest.Layers[i]; l.File == file {
			end = max(end, l.At+l.Bytes)
		}
	}
	for _, f := range []*PlainFile{d.Manifest.Kept, d.Manifest.Groups} {
		if f != nil && f.File == file {
			end = max(end, f.At+f.Bytes)
		}
	}
	return end
}

// prove checks size and digest of a layer's file or part of one, once.
func (d *DC) prove(ctx context.Context, l *LayerFile) error {
	d.mu.Lock()
	done := d.proven[l.Layer]
	d.mu.Unlock()
	if done {
		return nil
	}
	name := filepath.Join(d.Dir, l.File)
	if filepath.Base(l.File) != l.File {
		return &Corrupt{File: name, What: "the manifest names a file outside its folder"}
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return &Corrupt{File: name, What: "missing"}
	}
	if err != nil {
		return fmt.Errorf("read plan file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read plan file %s: %w", name, err)
	}
	if n, want := info.Size(), d.end(l.File); n != want || l.At < 0 || l.Bytes < 0 {
		return &Corrupt{File: name, What: fmt.Sprintf("%d bytes, the manifest says %d", n, want)}
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, contextReader{ctx, io.NewSectionReader(f, l.At, l.Bytes)}); err != nil {
		return fmt.Errorf("read plan file %s: %w", name, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != l.SHA256 {
		return &Corrupt{File: name, What: "SHA-256 " + got + ", the manifest says " + l.SHA256}
	}
	d.mu.Lock()
	d.proven[l.Layer] = true
	d.mu.Unlock()
	return nil
}

// contextReader stops reading when the context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Rows opens a layer after checking the digest of its file. columns restricts what is decoded to the named
// columns (release_id among them for the release ids); none: all. A layer that the manifest does not list
// gives a reader without groups.
func (d *DC) Rows(ctx context.Context, id planner.LayerID, columns ...string) (*Reader, error) {
	l := d.Manifest.Layer(id)
	if l == nil {
		return &Reader{layer: id}, nil
	}
	if err := d.prove(ctx, l); err != nil {
		return nil, err
	}
	return openReader(filepath.Join(d.Dir, l.File), l, id, columns)
}

// Releases returns the released lines of the order layers, in the order of the files.
func (d *DC) Releases(ctx context.Context) ([]Release, error) {
	if d.Manifest.ReleasesNothing() {
		return nil, ctx.Err()
	}
	var out []Release
	for _, id := range []planner.LayerID{planner.StoreOrders, planner.DCOrders, planner.VendorOrders} {
		for b, err := range d.Batches(ctx, id, "item", "destination", "source", "lane", "order_day", "pick_day", "receive_day", "quantity", releaseColumn) {
			if err != nil {
				return nil, err
			}
			item, dest, source, lane := b.Col("item"), b.Col("destination"), b.Col("source"), b.Col("lane")
			order, pick, receive := b.Col("order_day"), b.Col("pick_day"), b.Col("receive_day")
			quantity := b.Col("quantity")
			for r, release := range b.Release {
				if release == "" {
					continue
				}
				out = append(out, Release{
					ID: release, Item: item.Str(r), Destination: dest.Str(r), Source: source.Str(r), Lane: lane.Str(r),
					Quantity: quantity.Ints[r],
					OrderDay: order.Day(r), PickDay: pick.Day(r), ReceiveDay: receive.Day(r),
					Cycle: d.Manifest.Cycle, AsOf: d.Manifest.AsOf.UnixMicro(), GraceUntil: d.Manifest.GraceUntil.UnixMicro(),
				})
			}
		}
	}
	return out, nil
}

// Carry returns the rows of the layer carry, in the order of the file.
func (d *DC) Carry(ctx context.Context) ([]CarryLine, error) {
	var out []CarryLine
	for b, err := range d.Batches(ctx, planner.Carry) {
		if err != nil {
			return nil, err
		}
		item, node, units := b.Col("item"), b.Col("node"), b.Col("units")
		for r := range b.Rows {
			out = append(out, CarryLine{Item: item.Str(r), Node: node.Str(r), Units: units.Ints[r]})
		}
	}
	return out, nil
}

// Batches gives the row groups of a layer in order, decoded as by Rows; after an error nothing more. A batch holds
// until the next one is asked for.
func (d *DC) Batches(ctx context.Context, id planner.LayerID, columns ...string) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		r, err := d.Rows(ctx, id, columns...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = r.Close() }() // only read
		for i := range r.Groups() {
			b, err := r.Group(ctx, i)
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}
