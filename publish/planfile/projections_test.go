package planfile

import (
	"math/rand/v2"
	"testing"

	"github.com/parquet-go/parquet-go/format"

	"echelon/planner"
	"echelon/publish/disk"
)

// projections makes rows of 28 days: columns whose numbers hardly differ, columns that differ by day, and, from a row
// on, columns that change their nature.
func projections(r *rand.Rand, rows, change int) *planner.Table {
	t := randomTable(r, network(), planner.Projections, rows)
	for i := range t.Cols {
		if planner.LayerOf(planner.Projections).Columns[i].Type != planner.ColMilliList {
			continue
		}
		c := &t.Cols[i]
		c.Off, c.List = c.Off[:1], c.List[:0]
		for row := range rows {
			level := r.Int64N(50) * 1000
			for range 28 {
				switch {
				case i%3 == 0 && row < change: // few numbers, mostly 0
					c.List = append(c.List, max(0, r.Int64N(40)-36)*1000)
				case i%3 == 1: // level
					c.List = append(c.List, level)
				default:
					c.List = append(c.List, r.Int64N(1<<40)-1<<20)
				}
			}
			c.Off = append(c.Off, uint32(len(c.List)))
		}
	}
	return t
}

// Lists of even length are read back as they were written, whether numbers were put in a dictionary or not, also when
// that changes from row group to row group; a column keeps its codec.
func TestProjectionsRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	tables := []*planner.Table{projections(r, 50000, 40000), projections(r, 1000, 0)}
	dir, err := write(t, disk.OS{}, t.TempDir(), network(), 1, tables)
	if err != nil {
		t.Fatal(err)
	}
	dc, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	compareLayer(t, dc, tables...)
	rd, err := dc.Rows(t.Context(), planner.Projections)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	groups := rd.pq.Metadata().RowGroups
	if len(groups) < 2 {
		t.Fatalf("%d row groups; more are needed", len(groups))
	}
	dictionaries, plain := 0, 0
	for i := range groups {
		for k := range groups[i].Columns {
			c, first := &groups[i].Columns[k].MetaData, &groups[0].Columns[k].MetaData
			if c.Codec != first.Codec {
				t.Errorf("row group %d, column %v has codec %v, row group 0 %v", i, c.PathInSchema, c.Codec, first.Codec)
			}
			if len(c.PathInSchema) > 1 && c.DictionaryPageOffset > 0 {
				dictionaries++
			}
			if c.Codec == format.Uncompressed {
				plain++
			}
		}
	}
	if dictionaries == 0 || plain == 0 {
		t.Errorf("%d list columns have a dictionary, %d columns no codec; both are to be seen here", dictionaries, plain)
	}
}

func TestNumberCodesFindEveryNumber(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var d numberCodes
	var codes []int32
	for _, distinct := range []int{1, 2, maxPacked - 1, maxPacked, maxPacked + 1} {
		values := make([]int64, 20*maxPacked)
		for i := range values {
			values[i] = int64(i%distinct)<<r.IntN(2) - 5 // near ones, so that slots collide
			if distinct > 2 {
				values[i] = int64(i%distinct) * 1000
			}
		}
		ok := code(&d, values, &codes)
		if want := distinct <= maxPacked; ok != want {
			t.Fatalf("%d numbers: dictionary %v, want %v", distinct, ok, want)
		}
		if !ok {
			continue
		}
		for i, v := range values {
			if got := d.order[codes[i]]; got != v {
				t.Fatalf("%d numbers: value %d is %d, its code says %d", distinct, i, v, got)
			}
		}
	}
	if code[int64](&d, nil, &codes) {
		t.Error("a column without values has no dictionary")
	}
}
