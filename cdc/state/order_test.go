package state

import (
	"errors"
	"strings"
	"testing"

	"echelon/cdc"
	"echelon/inputs"
)

// stock is a state fed with inventory by two origins: wms gives the rows and all but reserved, oms gives reserved.
type stock struct {
	t      *testing.T
	s      *State
	faults []inputs.Fault
	next   map[int32]int64
}

func newStock(t *testing.T, cfg Config) *stock {
	c := inputs.ContractOf("inventory")
	wms := cdc.Origin{Name: "wms", Source: "wms", Topic: "wms", Contract: c, Rows: true, Clock: true}
	for i := range c.Columns {
		if c.Columns[i].Name != "reserved" {
			wms.Columns = append(wms.Columns, i)
		}
	}
	oms := cdc.Origin{Name: "oms", Source: "oms", Topic: "oms", Contract: c, Columns: []int{0, 1, c.Index("reserved")}}
	f := &stock{t: t, next: map[int32]int64{}}
	cfg.Origins = []cdc.Origin{wms, oms}
	cfg.Quarantine = func(x inputs.Fault) { f.faults = append(f.faults, x) }
	f.s = open(t, cfg)
	return f
}

// step is one record: n is on_hand of wms, reserved of oms.
type step struct {
	part    int32
	origin  int
	op      cdc.Op
	initial bool
	major   uint64
	item    string
	n       int64
}

func (f *stock) change(x step) *cdc.Change {
	cells := []cdc.Cell{{Kind: cdc.Text, Text: []byte(x.item)}, {Kind: cdc.Text, Text: []byte("N")}, {Kind: cdc.Int, Int: x.n}}
	ch := &cdc.Change{Origin: x.origin, Source: "wms", Op: x.op, Initial: x.initial, Position: cdc.Position{Major: x.major}, Cells: cells, At: int64(x.major)}
	if x.origin == 0 {
		ch.Cells = append(ch.Cells, make([]cdc.Cell, 3)...)
	} else {
		ch.Source = "oms"
	}
	return ch
}

func (f *stock) send(x step) error {
	f.next[x.part]++
	err := f.s.Apply(cdc.Partition{Topic: "t", ID: x.part}, f.next[x.part], f.change(x))
	if err != nil {
		f.next[x.part]--
	}
	return err
}

func (f *stock) rows() string { return strings.Join(whole(f.s.Cut(), "inventory"), " ") }

func (f *stock) counts(part int32) inputs.Counts {
	return f.s.Counts()[cdc.Partition{Topic: "t", ID: part}]
}

// TestOrder is small stories of order: what is sent, and what stands afterwards.
func TestOrder(t *testing.T) {
	for name, c := range map[string]struct {
		steps []step
		want  string
	}{
		"the newer one stays": {[]step{{major: 9, item: "A", n: 9}, {major: 5, item: "A", n: 5}}, "A|N|9|||||"},
		"a repeat is one":     {[]step{{major: 9, item: "A", n: 9}, {major: 9, item: "A", n: 1}}, "A|N|9|||||"},
		"a deleted key stays away": {
			[]step{{major: 9, item: "A", op: cdc.Delete}, {major: 5, item: "A", n: 5}, {major: 2, item: "A", n: 2}}, "",
		},
		"deleted and there again": {
			[]step{{major: 3, item: "A", n: 3}, {major: 9, item: "A", op: cdc.Delete}, {major: 11, item: "A", n: 7}, {major: 4, item: "A", n: 4}}, "A|N|7|||||",
		},
		"a snapshot read beats what is older": {[]step{{major: 5, item: "A", n: 5}, {major: 7, initial: true, item: "A", n: 7}}, "A|N|7|||||"},
		"and never what is as old": {
			[]step{{major: 7, item: "A", n: 5}, {major: 7, initial: true, item: "A", n: 7}, {major: 8, initial: true, item: "B", n: 1}, {major: 8, item: "B", op: cdc.Delete}}, "A|N|5|||||",
		},
		"origins do not meet": {
			[]step{{major: 90, item: "A", n: 9}, {origin: 1, major: 2, item: "A", n: 2}, {origin: 1, major: 1, item: "A", n: 1}}, "A|N|9|2||||",
		},
		"columns wait for their row": {[]step{{origin: 1, major: 2, item: "A", n: 2}}, ""},
		"and are there with it":      {[]step{{origin: 1, major: 2, item: "A", n: 2}, {major: 1, item: "A", n: 9}}, "A|N|9|2||||"},
		"the row goes, they wait on": {
			[]step{{origin: 1, major: 2, item: "A", n: 2}, {major: 1, item: "A", n: 9}, {major: 2, item: "A", op: cdc.Delete}, {major: 3, item: "A", n: 4}}, "A|N|4|2||||",
		},
		"a delete of columns is null": {
			[]step{{major: 1, item: "A", n: 9}, {origin: 1, major: 2, item: "A", n: 2}, {origin: 1, major: 3, item: "A", op: cdc.Delete}}, "A|N|9|||||",
		},
		"a truncate is of its origin and of its moment": {
			[]step{
				{major: 1, item: "A", n: 1},
				{major: 8, item: "B", n: 8},
				{origin: 1, major: 1, item: "B", n: 3},
				{major: 5, op: cdc.Truncate},
				{major: 4, item: "C", n: 4},
				{major: 6, item: "D", n: 6},
				{major: 5, op: cdc.Truncate},
				{major: 3, op: cdc.Truncate},
			},
			"B|N|8|3|||| D|N|6|||||",
		},
		"a truncate of columns leaves the rows": {
			[]step{{major: 1, item: "A", n: 1}, {origin: 1, major: 1, item: "A", n: 3}, {origin: 1, major: 5, op: cdc.Truncate}}, "A|N|1|||||",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newStock(t, Config{})
			for _, x := range c.steps {
				if err := f.send(x); err != nil {
					t.Fatal(err)
				}
			}
			if got := f.rows(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if n := f.counts(0); !n.Balanced() || n.Read != int64(len(c.steps)) {
				t.Errorf("%d records, counted %+v", len(c.steps), n)
			}
		})
	}
}

// push makes the window of one rank forget everything up to a position.
func (f *stock) push(part int32, major uint64) {
	f.t.Helper()
	for _, item := range []string{"P", "Q"} {
		if err := f.send(step{part: part, major: major, item: item, n: 1}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// TestTooLate holds what becomes of changes older than the window.
func TestTooLate(t *testing.T) {
	late := step{part: 1, major: 4, item: "A", n: 4}
	for name, c := range map[string]struct {
		scattered bool
		late      step
		want      inputs.Counts
	}{
		"its partition is behind":             {false, late, inputs.Counts{Read: 1, Applied: 1}},
		"its key may be elsewhere":            {true, late, inputs.Counts{Read: 1, Quarantined: 1}},
		"a late snapshot read, key elsewhere": {true, step{part: 1, major: 4, initial: true, item: "A", n: 4}, inputs.Counts{Read: 1, Quarantined: 1}},
		"a late truncate":                     {false, step{part: 1, major: 4, op: cdc.Truncate}, inputs.Counts{Read: 1, Quarantined: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newStock(t, Config{Window: 1, Scattered: c.scattered})
			f.push(0, 10)
			if err := f.send(c.late); err != nil {
				t.Fatal(err)
			}
			if got := f.counts(1); got != c.want {
				t.Errorf("counted %+v, want %+v", got, c.want)
			}
			if c.want.Quarantined == 1 && (len(f.faults) != 1 || f.faults[0].Reason != inputs.TooLate || f.faults[0].Source != "t-1" || f.faults[0].Position != 1) {
				t.Errorf("faults %+v", f.faults)
			}
		})
	}
}

// TestRestoredSource holds that a source that went back is refused until it is accepted, and nothing of it lost.
func TestRestoredSource(t *testing.T) {
	f := newStock(t, Config{Window: 1})
	if err := f.send(step{major: 3, item: "A", n: 3}); err != nil {
		t.Fatal(err)
	}
	f.push(0, 10)
	before, offsets := f.rows(), f.s.Offsets()
	back := step{major: 4, item: "A", n: 4}
	for range 2 {
		restored := new(RestoredError)
		if err := f.send(back); !errors.As(err, &restored) || restored.Source != "wms" || !strings.Contains(err.Error(), "accept the restore of source wms") {
			t.Fatalf("not refused: %v", err)
		}
	}
	if f.rows() != before || f.s.Offsets()[cdc.Partition{Topic: "t"}] != offsets[cdc.Partition{Topic: "t"}] {
		t.Error("a refused record left something behind")
	}
	if err := f.s.AcceptRestore("nobody"); err == nil {
		t.Error("an unknown source was accepted")
	}
	if err := f.s.AcceptRestore("wms"); err != nil {
		t.Fatal(err)
	}
	if err := f.send(back); err != nil {
		t.Fatal(err)
	}
	if err := f.send(step{major: 2, item: "P", op: cdc.Delete}); err != nil {
		t.Fatal(err)
	}
	if got, want := f.rows(), "A|N|4||||| Q|N|1|||||"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	other := f.change(step{major: 50, item: "A", n: 5})
	other.Source = "wms-copy"
	if err := f.s.Apply(cdc.Partition{Topic: "t"}, 99, other); err == nil || !strings.Contains(err.Error(), "wms-copy") {
		t.Errorf("another source was taken: %v", err)
	}
}

// TestRestoredInsideTheWindow holds that a source that goes back is noticed where every rank is remembered: by its clock,
// which went on. What it sends again, however often and late, is none.
func TestRestoredInsideTheWindow(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Tenant: "t"}
	f := newStock(t, cfg)
	send := func(major uint64, at int64, item string) error {
		f.next[0]++
		ch := f.change(step{major: major, item: item, n: int64(major)})
		ch.At = at
		err := f.s.Apply(cdc.Partition{Topic: "t"}, f.next[0], ch)
		if err != nil {
			f.next[0]--
		}
		return err
	}
	for _, x := range []struct {
		major uint64
		at    int64
		item  string
	}{
		{3, 300, "A"}, {9, 250, "B"}, {4, 400, "C"}, // a transaction that committed late: its positions are older
		{3, 300, "A"}, {7, 410, "A"}, {3, 300, "A"}, {4, 400, "C"}, {8, 410, "C"}, {4, 400, "C"}, // sent again
	} {
		if err := send(x.major, x.at, x.item); err != nil {
			t.Fatalf("%+v: %v", x, err)
		}
	}
	checkpoint(t, f.s)
	before, counts := f.rows(), f.counts(0)
	for range 2 {
		restored := new(RestoredError)
		if err := send(5, 500, "A"); !errors.As(err, &restored) || restored.At != 500 || !strings.Contains(err.Error(), "accept the restore of source wms") {
			t.Fatalf("not refused: %v", err)
		}
		if f.rows() != before || f.counts(0) != counts {
			t.Error("a refused record left something behind")
		}
		f.s = open(t, Config{Dir: cfg.Dir, Tenant: "t", Origins: f.s.cfg.Origins}) // what is remembered is in the checkpoint
	}
	if err := f.s.AcceptRestore("wms"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := send(5, 500, "A"); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := f.rows(), "A|N|5||||| B|N|9||||| C|N|8|||||"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestReadAgain holds that offsets read again change and count nothing, and that several changes of a record are
// one record with the best of their fates.
func TestReadAgain(t *testing.T) {
	f := newStock(t, Config{})
	part := cdc.Partition{Topic: "t"}
	for _, x := range []struct {
		offset int64
		step
	}{
		{10, step{major: 5, item: "A", n: 5}},
		{12, step{major: 5, item: "A", n: 5}},
		{12, step{major: 6, item: "B", n: 6}},
		{10, step{major: 9, item: "A", n: 9}},
		{13, step{major: 6, item: "B", n: 6}},
	} {
		if err := f.s.Apply(part, x.offset, f.change(x.step)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.s.Done(part, 11, Filtered); err != nil {
		t.Fatal(err)
	}
	if err := f.s.Done(part, 20, Filtered); err != nil {
		t.Fatal(err)
	}
	if err := f.s.Done(part, 21, Quarantined); err != nil {
		t.Fatal(err)
	}
	if err := f.s.Done(part, 22, Applied); err == nil {
		t.Error("a record without changes was applied")
	}
	want := inputs.Counts{Read: 5, Applied: 2, Superseded: 1, Quarantined: 1, Filtered: 1}
	if got := f.counts(0); got != want || f.s.Offsets()[part] != 22 {
		t.Errorf("counted %+v up to %d, want %+v", got, f.s.Offsets()[part], want)
	}
	if got := f.rows(); got != "A|N|5||||| B|N|6|||||" {
		t.Errorf("rows %q", got)
	}
	c := f.s.Cut()
	if c.Fresh("inventory") != 6 || len(c.Sources()) != 1 || c.Sources()[0].Position.Major != 6 {
		t.Errorf("fresh %d, sources %+v", c.Fresh("inventory"), c.Sources())
	}
}

// TestWrongCells holds that what is no value of its column is quarantined with a reason.
func TestWrongCells(t *testing.T) {
	f := newStock(t, Config{})
	for i, c := range []struct {
		change func(ch *cdc.Change)
		want   inputs.Reason
	}{
		{func(ch *cdc.Change) { ch.Cells[0] = cdc.Cell{} }, inputs.MissingValue},
		{func(ch *cdc.Change) { ch.Cells[1] = cdc.Cell{Kind: cdc.Unchanged} }, inputs.MissingValue},
		{func(ch *cdc.Change) { ch.Cells[2].Int = -1 }, inputs.OutOfRange},
		{func(ch *cdc.Change) { ch.Cells[2].Int = inputs.MaxUnits + 1 }, inputs.OutOfRange},
		{func(ch *cdc.Change) { ch.Cells[2].Kind = cdc.Text }, inputs.WrongType},
	} {
		ch := f.change(step{major: uint64(i + 1), item: "A", n: 1})
		c.change(ch)
		if err := f.s.Apply(cdc.Partition{Topic: "t"}, int64(i), ch); err != nil {
			t.Fatal(err)
		}
		if len(f.faults) != i+1 || f.faults[i].Reason != c.want {
			t.Errorf("case %d: faults %+v, want %s", i, f.faults, c.want)
		}
	}
	if f.rows() != "" {
		t.Errorf("rows %q", f.rows())
	}
}

// TestConfigIsChecked holds that mappings which cannot be ordered are refused.
func TestConfigIsChecked(t *testing.T) {
	c := inputs.ContractOf("inventory")
	for want, origins := range map[string][]cdc.Origin{
		"belongs to both": {{Name: "a", Contract: c, Rows: true, Columns: []int{0, 1, 2}}, {Name: "b", Contract: c, Columns: []int{0, 1, 2}}},
		"own the rows":    {{Name: "a", Contract: c, Rows: true, Columns: []int{0, 1, 2}}, {Name: "b", Contract: c, Rows: true, Columns: []int{0, 1, 3}}},
		"no origin owns":  {{Name: "a", Contract: c, Columns: []int{0, 1, 2}}},
		"gives no node":   {{Name: "a", Contract: c, Rows: true, Columns: []int{0, 2}}},
		"there twice":     {{Name: "a", Contract: c, Rows: true, Columns: []int{0, 1, 2}}, {Name: "a", Contract: c, Columns: []int{0, 1, 3}}},
		"ascending":       {{Name: "a", Contract: c, Rows: true, Columns: []int{1, 0}}},
		"no contract":     {{Name: "a"}},
	} {
		cfg := Config{Origins: origins}
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
