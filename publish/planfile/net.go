package planfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"echelon/planner"
	"echelon/publish/disk"
)

// Base names the earlier cycle whose lines stand where a net change planned nothing again.
//
//	manifest.json   base: cycle and plan hash; how many bases lie below it
//	net.bin         parts, each with its place and digest in the manifest: the (DC, item) groups that this folder has
//	                all lines of, empty ones among them, as JSON; what the next net change compares with, as far as it
//	                is not what the base kept; of a small net change the layers' Parquet files, which else are files
//	<layer>.parquet those lines; workload and carry are whole
//
// Batches of Merged are the plan; Batches and Rows are what the folder itself has.
type Base struct {
	Cycle    string `json:"cycle"`
	PlanHash string `json:"plan_hash"`
	Depth    int    `json:"depth"` // bases in a row, 1: the base is a full plan
	Lines    int64  `json:"lines"` // written by the net changes in a row, this one not counted
}

// AgainFacts is what of a DC was planned again, and why: rows by cause.
type AgainFacts struct {
	Items int64            `json:"items"`
	Rows  int64            `json:"rows"`
	Of    int64            `json:"of"`
	Why   map[string]int64 `json:"why,omitempty"`
}

// PlainFile describes a file of the folder that is no layer, or a part of one.
type PlainFile struct {
	File   string `json:"file"`
	At     int64  `json:"at,omitempty"` // where the part begins
	SHA256 string `json:"sha256"`       // of the part
	Bytes  int64  `json:"bytes"`
}

// packLines is the most lines of a DC that a net change packs into one file: a file costs what some thousand lines do.
const packLines = 32768

// Names of the files that are no layers.
const (
	keptName = "kept.bin" // of a plan in full
	netName  = "net.bin"
)

// Groups is what a net change wrote: the items of which all lines of all layers are in the folder, and those of
// which only the vendor lines are. Ascending.
type Groups struct {
	Items  []string `json:"items"`
	Orders []string `json:"orders,omitempty"`
}

// Whole reports whether a layer's file is the whole layer also in a net change.
func Whole(id planner.LayerID) bool { return id == planner.Workload || id == planner.Carry }

// PlanLines returns lines and units of a layer in the plan: those of the file and, of a net change, those that
// stand in its bases.
func (l *LayerFile) PlanLines() (lines, units int64) {
	if l.Plan != nil {
		return l.Plan.Lines, l.Plan.Units
	}
	return l.Lines, l.Units
}

// PlanLines returns the lines of all layers of the plan.
func (m *Manifest) PlanLines() int64 {
	var n int64
	for i := range m.Layers {
		lines, _ := m.Layers[i].PlanLines()
		n += lines
	}
	return n
}

// ItemLines returns the lines that the folder itself has, but for layers that are always whole.
func (m *Manifest) ItemLines() int64 {
	var n int64
	for i := range m.Layers {
		if id, ok := layerNamed(m.Layers[i].Layer); ok && !Whole(id) {
			n += m.Layers[i].Lines
		}
	}
	return n
}

// writeNet writes what the next net change compares with, and of a net change which groups it planned again.
func (w *Writer) writeNet(d *dcWriter, r *planner.DCResult, m *Manifest, base *Base, pack *pack) error {
	if r.Again != nil {
		m.Again = &AgainFacts{Items: int64(len(r.Again.Items)), Rows: r.Again.Rows, Of: r.Again.Of, Why: map[string]int64{}}
		for c, n := range r.Again.Why {
			if n > 0 {
				m.Again.Why[planner.Cause(c).String()] = n
			}
		}
	}
	if r.Again == nil || r.Again.Full {
		if r.Kept == nil {
			return nil
		}
		raw := r.Kept.Append(nil)
		m.Kept = plainFile(keptName, raw)
		return disk.WriteSynced(w.opt.FS, filepath.Join(d.tmp, keptName), raw)
	}
	if base == nil {
		return errors.New("a net change without a base: the writer's Facts name none")
	}
	m.Base, m.Format = base, NetFormatVersion
	for i := range m.Layers {
		l := &m.Layers[i]
		if id, ok := layerNamed(l.Layer); ok && !Whole(id) {
			l.Plan = &PlanSum{Lines: r.Lines[id], Units: r.Units[id]}
		}
	}
	raw, err := json.Marshal(Groups{Items: append([]string{}, r.Again.Items...), Orders: r.Again.Orders})
	if err != nil {
		return fmt.Errorf("encode groups: %w", err)
	}
	m.Groups = pack.plain(append(raw, '\n'))
	if r.Kept != nil {
		raw, _ := r.Kept.AppendOver(nil)
		m.Kept = pack.plain(raw)
	}
	return disk.WriteSynced(w.opt.FS, filepath.Join(d.tmp, netName), pack.raw)
}

// pack is the bytes of net.bin, part by part.
type pack struct{ raw []byte }

// plain appends a part that is no layer.
func (p *pack) plain(raw []byte) *PlainFile {
	f := plainFile(netName, raw)
	f.At = int64(len(p.raw))
	p.raw = append(p.raw, raw...)
	return f
}

func plainFile(name string, raw []byte) *PlainFile {
	sum := sha256.Sum256(raw)
	return &PlainFile{File: name, SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(raw))}
}

// packed is a layer's Parquet file that becomes a part of a pack.
type packed struct{ *pack }

// Write implements disk.File.
func (p packed) Write(raw []byte) (int, error) {
	p.raw = append(p.raw, raw...)
	return len(raw), nil
}

// Sync implements disk.File: the pack is synced as a whole.
func (packed) Sync() error { return nil }

// Close implements disk.File.
func (packed) Close() error { return nil }

func layerNamed(name string) (planner.LayerID, bool) {
	for id := range planner.NumLayers {
		if planner.LayerOf(id).Name == name {
			return id, true
		}
	}
	return 0, false
}

// plain reads a file that is no layer, or a part of one, after checking its digest.
func (d *DC) plain(ctx context.Context, f *PlainFile) ([]byte, error) {
	raw, err := d.readPlain(ctx, f)
	if err != nil {
		return nil, err
	}
	return d.partOf(raw, f)
}

// readPlain reads all of the file of a part.
func (d *DC) readPlain(ctx context.Context, f *PlainFile) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name := filepath.Join(d.Dir, f.File)
	if filepath.Base(f.File) != f.File {
		return nil, &Corrupt{File: name, What: "the manifest names a file outside its folder"}
	}
	raw, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &Corrupt{File: name, What: "missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("read plan file: %w", err)
	}
	return raw, nil
}

// partOf gives a part of a file after checking the file's length and the part's digest.
func (d *DC) partOf(raw []byte, f *PlainFile) ([]byte, error) {
	name, all := filepath.Join(d.Dir, f.File), int64(len(raw))
	if end := d.end(f.File); end != all || f.At < 0 || f.Bytes < 0 || f.At > all || f.Bytes > all-f.At {
		return nil, &Corrupt{File: name, What: fmt.Sprintf("%d bytes, the manifest says %d, and %d from %d on", all, end, f.Bytes, f.At)}
	}
	part := raw[f.At : f.At+f.Bytes]
	want, err := hex.DecodeString(f.SHA256)
	if sum := sha256.Sum256(part); err != nil || !bytes.Equal(sum[:], want) {
		return nil, &Corrupt{File: name, What: fmt.Sprintf("%d bytes from %d on have SHA-256 %x; the manifest says %s", f.Bytes, f.At, sum, f.SHA256)}
	}
	return part, nil
}

// Kept returns what the plan kept for the next cycle; nil: nothing. That of a net change lies over its base's.
func (d *DC) Kept(ctx context.Context) (*planner.Kept, error) {
	if d.Manifest.Kept == nil {
		return nil, nil
	}
	var packed [][]byte
	for at := d; ; {
		if at.Manifest.Kept == nil {
			return nil, &Corrupt{File: filepath.Join(at.Dir, ManifestName), What: "a later plan lies over what this one kept, and it kept nothing"}
		}
		raw, err := at.plain(ctx, at.Manifest.Kept)
		if err != nil {
			return nil, err
		}
		packed = append(packed, raw)
		if !planner.KeptOver(raw) {
			break
		}
		below, err := at.Base()
		if err != nil {
			return nil, err
		}
		if below == nil {
			return nil, &Corrupt{File: filepath.Join(at.Dir, at.Manifest.Kept.File), What: "it lies over a base, and the manifest names none"}
		}
		at = below
	}
	k, err := planner.ReadKepts(packed)
	if err != nil {
		return nil, &Corrupt{File: filepath.Join(d.Dir, d.Manifest.Kept.File), What: err.Error()}
	}
	return k, nil
}

// Groups returns what a net change planned again; nil: the plan is full.
func (d *DC) Groups(ctx context.Context) (*Groups, error) {
	if d.Manifest.Base == nil {
		return nil, nil
	}
	if d.Manifest.Groups == nil {
		return nil, &Corrupt{File: filepath.Join(d.Dir, ManifestName), What: "a net change without its groups"}
	}
	raw, err := d.plain(ctx, d.Manifest.Groups)
	if err != nil {
		return nil, err
	}
	g := &Groups{}
	if err := json.Unmarshal(raw, g); err != nil {
		return nil, &Corrupt{File: filepath.Join(d.Dir, d.Manifest.Groups.File), What: err.Error()}
	}
	return g, nil
}

// Base opens the plan files that a net change lies over; nil: the plan is full. A base that is not the one that was
// planned on is Corrupt, one that is gone an fs.ErrNotExist.
func (d *DC) Base() (*DC, error) {
	b := d.Manifest.Base
	if b == nil {
		return nil, nil
	}
	name := filepath.Base(b.Cycle)
	dir := filepath.Join(filepath.Dir(filepath.Dir(d.Dir)), "cycle="+name, "dc="+d.Manifest.DC)
	base, err := Open(dir)
	if err != nil {
		return nil, fmt.Errorf("base of cycle %s: %w", d.Manifest.Cycle, err)
	}
	if name != b.Cycle || base.Manifest.PlanHash != b.PlanHash {
		return nil, &Corrupt{File: filepath.Join(dir, ManifestName), What: fmt.Sprintf("plan %.12s, cycle %s was planned on %.12s", base.Manifest.PlanHash, d.Manifest.Cycle, b.PlanHash)}
	}
	return base, nil
}
