package planfile

import (
	"slices"
	"strconv"

	"echelon/inputs"
	"echelon/planner"
)

// Row groups are closed at so many lines or list elements, whichever is first: small enough to be read,
// held and published as one piece, large enough to compress well.
const (
	groupLines    = 65536
	groupElements = 1 << 20
)

// layerWriter gathers the lines of one layer of a DC and writes a row group whenever enough are there.
type layerWriter struct {
	writer  *Writer
	net     *inputs.Network
	layer   *planner.Layer
	cycle   string
	dc      string
	dir     string
	file    *parquetFile // nil: no rows yet
	name    string
	pack    *pack     // the file becomes a part of it; nil: it is one of the folder
	pending *gathered // nil: no rows yet
	lines   int64
	units   int64
	element int   // list elements pending
	receive int64 // latest receive day of released lines
	// released counts those
	released int64
	counted  int // column of the units, -1: the layer has none
}

func newLayerWriter(w *Writer, dir string, id planner.LayerID, dc string) *layerWriter {
	l := planner.LayerOf(id)
	counted := slices.IndexFunc(l.Columns, func(c planner.LayerColumn) bool {
		return c.Name == "quantity" || c.Name == "units" && id != planner.Exceptions
	})
	return &layerWriter{
		writer: w, net: w.opt.Network, layer: l, cycle: w.opt.Cycle, dc: dc, dir: dir, name: l.Name + ".parquet", counted: counted,
	}
}

// open creates the file when it is first needed.
func (w *layerWriter) open() (err error) {
	switch {
	case w.file != nil:
	case w.pack != nil:
		w.file, err = beginParquet(packed{w.pack}, w.layer.ID)
	default:
		w.file, err = createParquet(w.writer.opt.FS, w.dir+"/"+w.name, w.layer.ID)
	}
	return err
}

// add appends the rows of t, in pieces that fit a row group.
func (w *layerWriter) add(e *encoder, t *planner.Table) error {
	if w.pending == nil && t.Rows > 0 {
		w.pending = w.writer.opt.Room.takeRows(t.Layer)
	}
	for from := 0; from < t.Rows; {
		to := min(t.Rows, from+groupLines-w.pending.rows)
		w.append(t, from, to)
		from = to
		if w.pending.rows >= groupLines || w.element >= groupElements {
			if err := w.flush(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// append copies rows [from, to) of t to the pending row group.
func (w *layerWriter) append(t *planner.Table, from, to int) {
	for i := range w.layer.Columns {
		src, dst := &t.Cols[i], &w.pending.cols[i]
		switch w.layer.Columns[i].Type {
		case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColDay:
			dst.i32 = append(dst.i32, src.I32[from:to]...)
		case planner.ColInt, planner.ColMilli:
			dst.ints.add(src.I64[from:to])
			if i == w.counted {
				w.units += sum(src.I64[from:to])
			}
		case planner.ColBool, planner.ColEnum:
			dst.u8 = append(dst.u8, src.U8[from:to]...)
		case planner.ColText:
			dst.str = append(dst.str, src.Str[from:to]...)
		case planner.ColMilliList, planner.ColLedger:
			if len(dst.off) == 0 {
				dst.off = append(dst.off, 0)
			}
			lo, hi := src.Off[from], src.Off[to]
			shift := uint32(dst.ints.len()) - lo
			for _, o := range src.Off[from+1 : to+1] {
				dst.off = append(dst.off, o+shift)
			}
			dst.ints.add(src.List[lo:hi])
			if w.layer.Columns[i].Type == planner.ColLedger {
				dst.reason = append(dst.reason, src.Reason[lo:hi]...)
			}
			w.element += int(hi - lo)
		}
	}
	if IsOrders(w.layer.ID) {
		release, receive := t.Cols[w.at("release")].U8, t.Cols[w.at("receive_day")].I32
		for r := from; r < to; r++ {
			if release[r] != 0 {
				w.receive = max(w.receive, int64(receive[r]))
				w.released++
			}
		}
	}
	w.pending.rows += to - from
	w.lines += int64(to - from)
}

// at returns the position of a column of the layer.
func (w *layerWriter) at(name string) int {
	return slices.IndexFunc(w.layer.Columns, func(c planner.LayerColumn) bool { return c.Name == name })
}

func sum(values []int64) int64 {
	var n int64
	for _, v := range values {
		if v != planner.NullInt {
			n += v
		}
	}
	return n
}

// flush writes the pending rows as a row group.
func (w *layerWriter) flush(e *encoder) error {
	if w.pending == nil || w.pending.rows == 0 {
		return nil
	}
	if err := w.open(); err != nil {
		return err
	}
	w.file.begin(w.pending.rows)
	for i := range w.layer.Columns {
		if err := w.column(e, &w.layer.Columns[i], &w.pending.cols[i]); err != nil {
			return err
		}
	}
	if IsOrders(w.layer.ID) {
		text, ends := w.releaseIDs(e.text[:0], e.ends[:0])
		e.text, e.ends = text, ends
		if err := w.write(e)(e.uniques(text, ends)); err != nil {
			return err
		}
	}
	w.file.end()
	w.pending.empty()
	w.element = 0
	return nil
}

// leaveRows leaves the room for rows to other files.
func (w *layerWriter) leaveRows() {
	if w.pending != nil {
		w.pending.empty()
		w.writer.opt.Room.leaveRows(w.pending)
		w.pending = nil
	}
}

// write appends an encoded column to the open row group.
func (w *layerWriter) write(e *encoder) func(page, error) error {
	return func(p page, err error) error {
		if err != nil {
			return err
		}
		return w.file.column(e, p)
	}
}

func (w *layerWriter) column(e *encoder, d *planner.LayerColumn, c *gatheredColumn) error {
	put := w.write(e)
	switch d.Type {
	case planner.ColItem, planner.ColNode, planner.ColLane:
		return put(e.optionalNames(c.i32, names(w.net, d)))
	case planner.ColEnum:
		return put(e.enums(c.u8, d.Words))
	case planner.ColDay:
		return put(e.optionalDays(c.i32))
	case planner.ColInt, planner.ColMilli:
		return put(e.optionalInts(&c.ints))
	case planner.ColBool:
		return put(e.bools(c.u8))
	case planner.ColText:
		return put(e.texts(c.str))
	case planner.ColMilliList, planner.ColLedger:
		entries, err := e.lists(c.off)
		if err != nil {
			return err
		}
		if d.Type == planner.ColLedger {
			if err := put(e.listReasons(c.reason, entries)); err != nil {
				return err
			}
		}
		return put(e.listInts(&c.ints, entries))
	}
	return nil
}

// releaseIDs gives the release id of each pending row, empty for a line that is not released.
func (w *layerWriter) releaseIDs(text []byte, ends []uint32) ([]byte, []uint32) {
	item, line, release := w.at("item"), w.at("line"), w.at("release")
	cols := w.pending.cols
	for r := range w.pending.rows {
		if cols[release].u8[r] != 0 {
			text = appendReleaseID(text, w.cycle, w.dc, w.layer.Name, w.net.Items.ID[cols[item].i32[r]], cols[line].ints.at(r))
		}
		ends = append(ends, uint32(len(text)))
	}
	return text, ends
}

// appendReleaseID appends "cycle/dc/layer/item/line": the id under which the order system hands a released
// line back. None of the parts may contain a slash.
func appendReleaseID(dst []byte, cycle, dc, layer, item string, line int64) []byte {
	dst = append(append(dst, cycle...), '/')
	dst = append(append(dst, dc...), '/')
	dst = append(append(dst, layer...), '/')
	dst = append(append(dst, item...), '/')
	return strconv.AppendInt(dst, line, 10)
}

// finish closes the file and describes it. under: plan files of which the layer has the same rows, nil: of none. to: the
// pack of a net change that is to take the file when it is not begun, nil: none.
func (w *layerWriter) finish(e *encoder, under *DC, to *pack) (LayerFile, error) {
	if file, ok := w.writer.linkUnmoved(w, under); ok {
		w.leaveRows()
		return file, nil
	}
	if w.lines == 0 && to != nil {
		return w.writer.packEmpty(w.layer.ID, to)
	}
	at := int64(0)
	if w.file == nil && to != nil {
		w.pack, at = to, int64(len(to.raw))
	}
	if err := w.flush(e); err != nil {
		return LayerFile{}, err
	}
	w.leaveRows()
	if w.file == nil {
		if file, ok := w.writer.linkEmpty(w); ok {
			return file, nil
		}
		if err := w.open(); err != nil {
			return LayerFile{}, err
		}
	}
	bytes, digest, err := w.file.close()
	if err != nil {
		return LayerFile{}, err
	}
	groups := w.file.groups
	if groups == nil {
		groups = []RowGroup{}
	}
	name := w.name
	if w.pack != nil {
		name = netName
	}
	return LayerFile{
		Layer: w.layer.Name, File: name, At: at, SHA256: digest, Bytes: bytes,
		Lines: w.lines, Units: w.units, Groups: groups,
	}, nil
}
