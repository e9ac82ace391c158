package planfile

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/disk"
)

func everyLayer(r *rand.Rand, rows int) []*planner.Table {
	var tables []*planner.Table
	for id := range planner.NumLayers {
		if len(planner.LayerOf(id).Columns) > 0 {
			tables = append(tables, randomTable(r, network(), id, rows), randomTable(r, network(), id, rows/3))
		}
	}
	return tables
}

func TestRoundTrip(t *testing.T) {
	for _, rows := range []int{3, 1000, 70000} {
		r := rand.New(rand.NewPCG(1, uint64(rows)))
		tables := everyLayer(r, rows)
		if rows > 1000 {
			tables = tables[:2] // one layer of more than one row group
		}
		dir, err := write(t, disk.OS{}, t.TempDir(), network(), 1, tables)
		if err != nil {
			t.Fatal(err)
		}
		dc, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := dc.Verify(context.Background()); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(tables); i += 2 {
			compareLayer(t, dc, tables[i], tables[i+1])
		}
	}
}

func compareLayer(t *testing.T, dc *DC, parts ...*planner.Table) {
	t.Helper()
	layer := parts[0].Layer
	rd, err := dc.Rows(context.Background(), layer)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	var want []*Batch
	for _, p := range parts {
		want = append(want, batchOf(network(), p, "N001"))
	}
	step := 1 + parts[0].Rows/500
	at, part := 0, 0
	for g := range rd.Groups() {
		b, err := rd.Group(context.Background(), g)
		if err != nil {
			t.Fatal(err)
		}
		for row := range b.Rows {
			for at == parts[part].Rows {
				at, part = 0, part+1
			}
			if at%step == 0 {
				if diff := cmp.Diff(string(want[part].AppendJSON(nil, at)), string(b.AppendJSON(nil, row))); diff != "" {
					t.Fatalf("%s row %d of part %d: %s", planner.LayerOf(layer).Name, at, part, diff)
				}
			}
			at++
		}
	}
	if part != len(parts)-1 || at != parts[part].Rows {
		t.Fatalf("%s ends at row %d of part %d", planner.LayerOf(layer).Name, at, part)
	}
}

func TestEmptyLayersHaveFiles(t *testing.T) {
	dir, err := write(t, disk.OS{}, t.TempDir(), network(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	dc, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range dc.Manifest.Layers {
		if _, err := os.Stat(filepath.Join(dir, l.File)); err != nil || l.Lines != 0 {
			t.Errorf("%s: %v, %d lines", l.Layer, err, l.Lines)
		}
	}
	releases, err := dc.Releases(context.Background())
	if err != nil || len(releases) != 0 {
		t.Errorf("releases of an empty plan: %v, %v", releases, err)
	}
}

func TestSameChunksSameBytes(t *testing.T) {
	var sums [2]string
	for i := range sums {
		dir, err := write(t, disk.OS{}, t.TempDir(), network(), 0, everyLayer(rand.New(rand.NewPCG(5, 5)), 200))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, ManifestName))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(raw)
	}
	if sums[0] != sums[1] {
		t.Error(cmp.Diff(sums[0], sums[1]))
	}
}

func TestReleasesAndCarry(t *testing.T) {
	n := network()
	orders := randomTable(rand.New(rand.NewPCG(2, 2)), n, planner.StoreOrders, 50)
	carry := randomTable(rand.New(rand.NewPCG(3, 3)), n, planner.Carry, 20)
	for _, tab := range []*planner.Table{orders, carry} {
		for i := range tab.Cols {
			for r := range tab.Cols[i].I32 {
				tab.Cols[i].I32[r] = max(tab.Cols[i].I32[r], 0)
			}
		}
	}
	dir, err := write(t, disk.OS{}, t.TempDir(), n, 0, []*planner.Table{orders, carry})
	if err != nil {
		t.Fatal(err)
	}
	dc, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := dc.Releases(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	col := func(name string) *planner.Col {
		for i, c := range planner.LayerOf(planner.StoreOrders).Columns {
			if c.Name == name {
				return &orders.Cols[i]
			}
		}
		return nil
	}
	next := 0
	for r := range orders.Rows {
		if col("release").U8[r] == 0 {
			continue
		}
		rel := got[next]
		next++
		if rel.Item != n.Items.ID[col("item").I32[r]] || rel.Quantity != col("quantity").I64[r] ||
			int32(rel.PickDay) != col("pick_day").I32[r] || !strings.HasPrefix(rel.ID, "C1/N000/store-orders/"+rel.Item+"/") ||
			rel.Cycle != "C1" || rel.GraceUntil-rel.AsOf != 36*3600e6 {
			t.Errorf("release %d: %+v", r, rel)
		}
	}
	if next != len(got) || next == 0 {
		t.Errorf("%d releases, want %d", len(got), next)
	}
	lines, err := dc.Carry(context.Background())
	if err != nil || len(lines) != 20 || lines[7].Units != carry.Cols[2].I64[7] {
		t.Errorf("carry: %v %v", lines, err)
	}
}

// TestFlippedManifestForgetsNoRelease: no flipped bit of a manifest makes a folder with releases one that has none.
func TestFlippedManifestForgetsNoRelease(t *testing.T) {
	dir, err := write(t, disk.OS{}, t.TempDir(), network(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	dc, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, one := dc.Manifest, int64(1)
	if !m.ReleasesNothing() {
		t.Error("nothing was released, and the manifest does not say so")
	}
	m.Released, m.ReleasedLines = 1, &one
	raw, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for i := range 8 * len(raw) {
		raw[i/8] ^= 1 << (i % 8)
		if m, err := DecodeManifest(raw); err == nil {
			read++
			if m.ReleasesNothing() {
				t.Fatalf("bit %d: a manifest without releases: %s", i, raw)
			}
		}
		raw[i/8] ^= 1 << (i % 8)
	}
	if read == 0 {
		t.Error("no flipped manifest is read: the test shows nothing")
	}
}

// TestEveryFlippedByteIsFound flips a bit of each byte of a small file in turn: nothing of it may be decoded.
func TestEveryFlippedByteIsFound(t *testing.T) {
	dir, err := write(t, disk.OS{}, t.TempDir(), network(), 0, []*planner.Table{randomTable(rand.New(rand.NewPCG(4, 4)), network(), planner.Carry, 3)})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "carry.parquet")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, bytes []byte) {
		if err := os.WriteFile(name, bytes, 0o644); err != nil {
			t.Fatal(err)
		}
		dc, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		var corrupt *Corrupt
		if _, err := dc.Carry(context.Background()); !errors.As(err, &corrupt) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range raw {
		raw[i] ^= 1 << (i % 8)
		refused("flipped", raw)
		raw[i] ^= 1 << (i % 8)
	}
	refused("truncated", raw[:len(raw)-1])
	refused("longer", append(raw, 0))
	refused("empty", nil)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	dc, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var corrupt *Corrupt
	if _, err := dc.Carry(context.Background()); !errors.As(err, &corrupt) {
		t.Errorf("missing: %v", err)
	}
}

// TestEveryFault lets the n-th file operation fail, for every n: the folder is absent or whole, and the
// same DC is written cleanly afterwards.
func TestEveryFault(t *testing.T) {
	tables := everyLayer(rand.New(rand.NewPCG(6, 6)), 20)
	state := t.TempDir()
	for n := 1; ; n++ {
		f := &disk.Faulty{FS: disk.OS{}, N: n}
		_, err := write(t, f, state, network(), 0, tables)
		_, fired := f.Calls()
		dir := Dir(state, "acme", "C1", "N000")
		if !fired {
			if err != nil {
				t.Fatal(err)
			}
			if n < 20 {
				t.Fatalf("only %d operations were tried", n)
			}
			return
		}
		if err == nil || !disk.IsFull(err) {
			t.Errorf("fault %d: %v", n, err)
		}
		if dc, err := Open(dir); err == nil {
			if err := dc.Verify(context.Background()); err != nil {
				t.Errorf("fault %d left a folder that is not whole: %v", n, err)
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("fault %d: %v", n, err)
		}
		if _, err := write(t, disk.OS{}, state, network(), 0, tables); err != nil {
			t.Fatalf("after fault %d: %v", n, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManifestRefusals(t *testing.T) {
	dir := t.TempDir()
	for _, raw := range []string{"", "{", `{"format":2}`, `{"format":1,"plan_hash":"12"}`} {
		if err := os.WriteFile(filepath.Join(dir, ManifestName), []byte(raw), 0o644); err != nil {
			t.Fatal(err)
		}
		var corrupt *Corrupt
		if _, err := Open(dir); !errors.As(err, &corrupt) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// plausible makes order lines as a plan has them: sorted items, a week of days, small packs, short ledgers.
func plausible(n *inputs.Network, rows int) *planner.Table {
	r := rand.New(rand.NewPCG(7, 7))
	l := planner.LayerOf(planner.StoreOrders)
	t := &planner.Table{Layer: planner.StoreOrders, Rows: rows, Cols: make([]planner.Col, len(l.Columns))}
	for i := range l.Columns {
		c := &t.Cols[i]
		switch l.Columns[i].Type {
		case planner.ColItem:
			c.I32 = make([]int32, rows)
			for k := range c.I32 {
				c.I32[k] = int32(k * len(n.Items.ID) / rows)
			}
		case planner.ColNode, planner.ColLane:
			for k := range rows {
				c.I32 = append(c.I32, int32(k%40))
			}
		case planner.ColDay:
			for range rows {
				c.I32 = append(c.I32, 20778+r.Int32N(7))
			}
		case planner.ColInt:
			for range rows {
				c.I64 = append(c.I64, 6*r.Int64N(8))
			}
		case planner.ColBool, planner.ColEnum:
			c.U8 = make([]uint8, rows)
			for k := range c.U8 {
				c.U8[k] = uint8(k/3) & 1
			}
		case planner.ColLedger:
			c.Off = append(c.Off, 0)
			for range rows {
				c.List = append(c.List, r.Int64N(48), 6)
				c.Reason = append(c.Reason, uint8(planner.ReasonNeed), uint8(planner.ReasonPack))
				c.Off = append(c.Off, uint32(len(c.List)))
			}
		case planner.ColText, planner.ColMilli, planner.ColMilliList:
		}
	}
	return t
}

func BenchmarkWrite(b *testing.B) {
	n := network()
	table := plausible(n, 10000)
	w := NewWriter(Options{State: b.TempDir(), Network: n, Tenant: "acme", Cycle: "C1"})
	lines := 0
	for b.Loop() {
		c := &planner.Chunk{DC: 0}
		c.Tables[planner.StoreOrders] = table
		if err := w.Chunk(context.Background(), c); err != nil {
			b.Fatal(err)
		}
		lines += table.Rows
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(lines), "ns/line")
	if err := w.Abandon(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkRead(b *testing.B) {
	n := network()
	var dir string
	w := NewWriter(Options{
		State: b.TempDir(), Network: n, Tenant: "acme", Cycle: "C1",
		Done: func(_ context.Context, d string, _ *Manifest, _ *planner.DCResult) error {
			dir = d
			return nil
		},
	})
	c := &planner.Chunk{DC: 0}
	c.Tables[planner.StoreOrders] = plausible(n, 300000)
	if err := w.Chunk(context.Background(), c); err != nil {
		b.Fatal(err)
	}
	if err := w.Done(context.Background(), &planner.DCResult{}); err != nil {
		b.Fatal(err)
	}
	lines := 0
	for b.Loop() {
		dc, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		for batch, err := range dc.Batches(context.Background(), planner.StoreOrders) {
			if err != nil {
				b.Fatal(err)
			}
			lines += batch.Rows
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(lines), "ns/line")
}
