package planfile

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/disk"
)

// DirectDC is the name of the partition of rows that no DC serves.
const DirectDC = "_direct"

// Options of a Writer.
type Options struct {
	FS         disk.FS
	State      string // state folder
	Network    *inputs.Network
	Engine     string
	Tenant     string
	Cycle      string
	AsOf       int64 // microseconds UTC
	PolicyHash string
	Replaces   string
	LayersOff  [planner.NumLayers]bool
	Room       *Room // of earlier writers; nil: its own
	// Facts gives what the state store knows of a DC: until when its releases count, which earlier cycles'
	// releases it counted. Called once per DC, from the goroutine that plans it.
	Facts func(dc string) DCFacts
	// Done is called when a DC's folder has its name. dir and m are nil values when the DC was carried
	// forward: it has no plan files.
	Done func(ctx context.Context, dir string, m *Manifest, r *planner.DCResult) error
}

// DCFacts is what a manifest says of a DC beside its plan.
type DCFacts struct {
	GraceUntil int64 // microseconds UTC
	Counted    []string
	CutHash    string
	Degraded   string // why the DC's plan is marked degraded, "": it is full
	Base       *Base  // what a net change of the DC lies over
	Under      *DC    // its plan files, verified: files that would be the same are links to theirs. nil: all are written
}

// Dir returns the folder of a DC's plan files.
func Dir(state, tenant, cycle, dc string) string {
	return filepath.Join(CycleDir(state, tenant, cycle), "dc="+dc)
}

// CycleDir returns the folder of a cycle's plan files.
func CycleDir(state, tenant, cycle string) string {
	return filepath.Join(state, "plans", "tenant="+tenant, "cycle="+cycle)
}

// DCName returns the id of a partition's DC.
func DCName(n *inputs.Network, dc inputs.NodeIdx) string {
	if dc == inputs.Direct {
		return DirectDC
	}
	return n.Nodes.ID[dc]
}

// Writer is a planner.Sink that writes plan files. Chunks of different DCs may come at once.
type Writer struct {
	opt Options

	mu    sync.Mutex
	open  map[inputs.NodeIdx]*dcWriter
	empty [planner.NumLayers]emptyLayer
}

// emptyLayer is a layer's file without rows in a folder that has its name: the same in every DC, so that further ones
// are another name of it.
type emptyLayer struct {
	path string // "": none yet
	file LayerFile
	part LayerFile // and as a part of a pack
	raw  []byte    // its bytes; nil: not made yet
}

// packEmpty puts the file of a layer without rows into a pack.
func (w *Writer) packEmpty(id planner.LayerID, to *pack) (LayerFile, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := &w.empty[id]
	if known.raw == nil {
		var own pack
		p, err := beginParquet(packed{&own}, id)
		if err != nil {
			return LayerFile{}, err
		}
		bytes, digest, err := p.close()
		if err != nil {
			return LayerFile{}, err
		}
		known.part = LayerFile{Layer: planner.LayerOf(id).Name, File: netName, SHA256: digest, Bytes: bytes, Groups: []RowGroup{}}
		known.raw = own.raw
	}
	part := known.part
	part.At = int64(len(to.raw))
	to.raw = append(to.raw, known.raw...)
	return part, nil
}

// linkEmpty gives a DC the file of a layer without rows; false: there is none to link to.
func (w *Writer) linkEmpty(l *layerWriter) (LayerFile, bool) {
	fs, ok := w.opt.FS.(disk.Linker)
	w.mu.Lock()
	known := w.empty[l.layer.ID]
	w.mu.Unlock()
	if !ok || known.path == "" || fs.Link(known.path, filepath.Join(l.dir, l.name)) != nil {
		return LayerFile{}, false
	}
	return known.file, true
}

// linkUnmoved gives a DC the file of a layer that the base has with the same rows; false: it must be written.
func (w *Writer) linkUnmoved(l *layerWriter, under *DC) (LayerFile, bool) {
	fs, ok := w.opt.FS.(disk.Linker)
	if !ok || under == nil || l.file != nil {
		return LayerFile{}, false
	}
	f := under.Manifest.Layer(l.layer.ID)
	if f == nil || f.File != l.name || f.Lines != l.lines || f.Units != l.units || fs.Link(filepath.Join(under.Dir, f.File), filepath.Join(l.dir, l.name)) != nil {
		return LayerFile{}, false
	}
	return *f, true
}

// keepEmpty remembers the files without rows of a folder that has its name.
func (w *Writer) keepEmpty(d *dcWriter, m *Manifest, dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, l := range d.layers {
		if l == nil || l.lines > 0 || w.empty[id].path != "" {
			continue
		}
		if f := m.Layer(planner.LayerID(id)); f != nil && f.File == l.name {
			file := *f
			file.Plan = nil
			w.empty[id].path, w.empty[id].file = filepath.Join(dir, l.name), file
		}
	}
}

// NewWriter returns a Writer.
func NewWriter(o Options) *Writer {
	if o.FS == nil {
		o.FS = disk.OS{}
	}
	if o.Room == nil {
		o.Room = &Room{}
	}
	return &Writer{opt: o, open: make(map[inputs.NodeIdx]*dcWriter)}
}

var _ planner.Sink = (*Writer)(nil)

// dcWriter writes one DC into a temporary folder.
type dcWriter struct {
	name   string
	tmp    string
	layers [planner.NumLayers]*layerWriter
}

// layerOn reports whether a layer has a plan file.
func (w *Writer) layerOn(id planner.LayerID) bool {
	return !w.opt.LayersOff[id] && len(planner.LayerOf(id).Columns) > 0
}

// Chunk implements planner.Sink.
func (w *Writer) Chunk(ctx context.Context, c *planner.Chunk) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d, err := w.dc(c.DC)
	if err != nil {
		return err
	}
	e, err := w.opt.Room.encoder()
	if err != nil {
		return err
	}
	defer w.opt.Room.leaveEncoder(e)
	for id, t := range c.Tables {
		if t == nil || d.layers[id] == nil {
			continue
		}
		if err := d.layers[id].add(e, t); err != nil {
			return fmt.Errorf("plan files of dc %s, layer %s: %w", d.name, planner.LayerOf(planner.LayerID(id)).Name, err)
		}
	}
	return nil
}

// Done implements planner.Sink: the manifest is written and the folder gets its name.
func (w *Writer) Done(ctx context.Context, r *planner.DCResult) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.State == StateCarriedForward {
		w.drop(r.DC)
		return w.done(ctx, "", nil, r)
	}
	d, err := w.dc(r.DC)
	if err != nil {
		return err
	}
	m, err := w.finish(d, r)
	if err != nil {
		return fmt.Errorf("plan files of dc %s: %w", d.name, err)
	}
	w.forget(r.DC)
	return w.done(ctx, Dir(w.opt.State, w.opt.Tenant, w.opt.Cycle, d.name), m, r)
}

func (w *Writer) done(ctx context.Context, dir string, m *Manifest, r *planner.DCResult) error {
	if w.opt.Done == nil {
		return nil
	}
	return w.opt.Done(ctx, dir, m, r)
}

// Abandon removes what was begun and not finished.
func (w *Writer) Abandon() error {
	w.mu.Lock()
	open := w.open
	w.open = make(map[inputs.NodeIdx]*dcWriter)
	w.mu.Unlock()
	var errs []error
	for _, d := range open {
		d.abandon()
		errs = append(errs, w.opt.FS.RemoveAll(d.tmp))
	}
	return errors.Join(errs...)
}

// dc returns the writer of a DC, making its temporary folder first.
func (w *Writer) dc(dc inputs.NodeIdx) (*dcWriter, error) {
	w.mu.Lock()
	d := w.open[dc]
	w.mu.Unlock()
	if d != nil {
		return d, nil
	}
	d = &dcWriter{name: DCName(w.opt.Network, dc)}
	d.tmp = filepath.Join(CycleDir(w.opt.State, w.opt.Tenant, w.opt.Cycle), ".dc="+d.name+".tmp")
	if err := w.opt.FS.RemoveAll(d.tmp); err != nil {
		return nil, fmt.Errorf("plan files of dc %s: %w", d.name, err)
	}
	if err := w.opt.FS.MkdirAll(d.tmp); err != nil {
		return nil, fmt.Errorf("plan files of dc %s: %w", d.name, err)
	}
	w.mu.Lock()
	w.open[dc] = d
	w.mu.Unlock()
	for id := range planner.NumLayers {
		if !w.layerOn(id) {
			continue
		}
		d.layers[id] = newLayerWriter(w, d.tmp, id, d.name)
	}
	return d, nil
}

// lines counts the lines of all layers so far.
func (d *dcWriter) lines() int64 {
	var n int64
	for _, l := range d.layers {
		if l != nil {
			n += l.lines
		}
	}
	return n
}

func (w *Writer) forget(dc inputs.NodeIdx) {
	w.mu.Lock()
	delete(w.open, dc)
	w.mu.Unlock()
}

// drop removes the temporary folder of a DC that has no plan.
func (w *Writer) drop(dc inputs.NodeIdx) {
	w.mu.Lock()
	d := w.open[dc]
	delete(w.open, dc)
	w.mu.Unlock()
	if d != nil {
		d.abandon()
		_ = w.opt.FS.RemoveAll(d.tmp) // a leftover is removed again when the folder is used next
	}
}

func (d *dcWriter) abandon() {
	for _, l := range d.layers {
		if l != nil {
			l.leaveRows()
			if l.file != nil {
				l.file.abandon()
			}
		}
	}
}

// finish writes the manifest and renames the folder.
func (w *Writer) finish(d *dcWriter, r *planner.DCResult) (*Manifest, error) {
	e, err := w.opt.Room.encoder()
	if err != nil {
		return nil, err
	}
	defer w.opt.Room.leaveEncoder(e)
	var facts DCFacts
	if w.opt.Facts != nil {
		facts = w.opt.Facts(d.name)
	}
	m := w.manifest(d, r, &facts)
	var net pack
	var to *pack
	if r.Again != nil && !r.Again.Full && d.lines() <= packLines {
		to = &net
	}
	for id, l := range d.layers {
		if l == nil {
			continue
		}
		var under *DC
		if r.Unmoved[id] && Whole(planner.LayerID(id)) {
			under = facts.Under
		}
		file, err := l.finish(e, under, to)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", l.layer.Name, err)
		}
		m.Layers = append(m.Layers, file)
		m.LastReceive = max(m.LastReceive, l.receive)
		*m.ReleasedLines += l.released
	}
	if err := w.writeNet(d, r, m, facts.Base, &net); err != nil {
		return nil, err
	}
	raw, err := m.Encode()
	if err != nil {
		return nil, err
	}
	if err := disk.WriteSynced(w.opt.FS, filepath.Join(d.tmp, ManifestName), raw); err != nil {
		return nil, err
	}
	dir := Dir(w.opt.State, w.opt.Tenant, w.opt.Cycle, d.name)
	if err := disk.PublishDir(w.opt.FS, d.tmp, dir); err != nil {
		return m, err
	}
	w.keepEmpty(d, m, dir)
	return m, nil
}

func (w *Writer) manifest(d *dcWriter, r *planner.DCResult, f *DCFacts) *Manifest {
	m := &Manifest{
		Format: FormatVersion, Engine: w.opt.Engine, Tenant: w.opt.Tenant, Cycle: w.opt.Cycle, DC: d.name,
		AsOf: time.UnixMicro(w.opt.AsOf).UTC(), PolicyHash: w.opt.PolicyHash, Replaces: w.opt.Replaces,
		State: StateFull, PlanHash: hex.EncodeToString(r.PlanHash[:]), SKUs: r.SKUs, Planned: r.Planned,
		Held: r.Held, Released: r.Released, ShortUnits: r.ShortUnits, Why: r.Why, ReleasedLines: new(int64),
	}
	if w.opt.Facts != nil {
		m.GraceUntil, m.Counted, m.CutHash = time.UnixMicro(f.GraceUntil).UTC(), f.Counted, f.CutHash
		if f.Degraded != "" {
			m.State, m.Why = StateDegraded, f.Degraded
		}
	}
	if r.State != "" {
		m.State = r.State
	}
	for k, n := range r.Exceptions {
		if n == 0 {
			continue
		}
		if m.Exceptions == nil {
			m.Exceptions = make(map[string]int64)
		}
		m.Exceptions[planner.ExceptionKind(k).String()] = n
	}
	return m
}
