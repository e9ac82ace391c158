// Package arrowform hands a partition out as an Arrow record, for notebooks, query engines and other programs
// that read Arrow.
//
//	item, node, lanes         text by dictionary; lanes are joined by ";" in the order in which they are tried
//	policy                    net, min-max, cover, none
//	first_day                 date: day 0 of the node
//	on_hand … cover_days      whole units and days; null: no cap
//	safety_days               thousandths of a day
//	sale_from, sale_to        dates; null: open-ended
//	day0_left, day0_of        minutes of day 0 that its demand counts
//	forecast_days             days up to the last forecast day
//	demand                    list of H thousandths of a unit
//	held, lane_cycle, …       what is true of the row
//
// Live rows only, in the partition's order; dead rows of tiles are left out.
package arrowform

import (
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"echelon/calendars"
	"echelon/inputs"
)

var policyWords = [...]string{"net", "min-max", "cover", "none"}

func ids() *arrow.DictionaryType {
	return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
}

// numbers are the columns of whole numbers.
func numbers(p *inputs.Partition) []column {
	return []column{
		of("on_hand", p.OnHand), of("unusable", p.Unusable), of("reserved", p.Reserved), of("backorders", p.Backorders),
		of("safety_units", p.SafetyUnits), of("safety_days", p.SafetyDays), of("presentation_min", p.Presentation),
		of("min", p.Min), of("max", p.Max), of("cover_days", p.CoverDays), of("shelf_life_days", p.ShelfLife), of("rank", p.Rank),
		of("day0_left", p.Day0Left), of("day0_of", p.Day0Of), of("forecast_days", p.ForecastDays),
	}
}

type column struct {
	name string
	at   func(row int) int32
}

func of[T ~int16 | ~int32 | ~uint16](name string, values []T) column {
	return column{name, func(row int) int32 { return int32(values[row]) }}
}

// facts are the flags that are handed out.
func facts() []struct {
	name string
	flag inputs.RowFlags
} {
	return []struct {
		name string
		flag inputs.RowFlags
	}{
		{"own", inputs.FlagOwn},
		{"lost", inputs.FlagLost},
		{"held", inputs.FlagHeld},
		{"no_lane", inputs.FlagNoLane},
		{"lane_cycle", inputs.FlagLaneCycle},
		{"no_forecast", inputs.FlagNoForecast},
	}
}

// Schema is the columns of a record of a horizon of so many days.
func Schema(horizon int) *arrow.Schema {
	fields := []arrow.Field{
		{Name: "item", Type: ids()},
		{Name: "node", Type: ids()},
		{Name: "lanes", Type: ids(), Nullable: true},
		{Name: "policy", Type: ids()},
		{Name: "first_day", Type: arrow.FixedWidthTypes.Date32},
	}
	for _, c := range numbers(&inputs.Partition{}) {
		fields = append(fields, arrow.Field{Name: c.name, Type: arrow.PrimitiveTypes.Int32})
	}
	fields = append(fields,
		arrow.Field{Name: "shelf_capacity", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		arrow.Field{Name: "sale_from", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		arrow.Field{Name: "sale_to", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	)
	for _, f := range facts() {
		fields = append(fields, arrow.Field{Name: f.name, Type: arrow.FixedWidthTypes.Boolean})
	}
	fields = append(fields, arrow.Field{
		Name: "demand", Type: arrow.FixedSizeListOf(int32(horizon), arrow.PrimitiveTypes.Int64),
	})
	return arrow.NewSchema(fields, nil)
}

// Record makes the record of a partition. The caller releases it.
func Record(net *inputs.Network, p *inputs.Partition) (arrow.Record, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, Schema(p.Horizon))
	defer b.Release()
	live := make([]int, 0, p.Live)
	for row := range p.Item {
		if p.Item[row] != inputs.None {
			live = append(live, row)
		}
	}
	b.Reserve(len(live))
	w := &writer{net: net, p: p, live: live, b: b}
	if err := w.texts(); err != nil {
		return nil, err
	}
	w.dates("first_day", func(row int) (calendars.Day, bool) { return net.Nodes.Day0[p.Node[row]], true })
	for _, c := range numbers(p) {
		out := w.next(c.name).(*array.Int32Builder)
		for _, row := range live {
			out.UnsafeAppend(c.at(row))
		}
	}
	capacity := w.next("shelf_capacity").(*array.Int32Builder)
	for _, row := range live {
		if p.ShelfCap[row] == inputs.None {
			capacity.AppendNull()
			continue
		}
		capacity.Append(p.ShelfCap[row])
	}
	w.dates("sale_from", func(row int) (calendars.Day, bool) { return p.SaleFrom[row], p.SaleFrom[row] != calendars.MinDay })
	w.dates("sale_to", func(row int) (calendars.Day, bool) { return p.SaleTo[row], p.SaleTo[row] != calendars.MaxDay })
	for _, f := range facts() {
		out := w.next(f.name).(*array.BooleanBuilder)
		for _, row := range live {
			out.UnsafeAppend(p.Flags[row]&f.flag != 0)
		}
	}
	w.demand()
	return b.NewRecord(), nil
}

// writer fills a record's columns from the live rows of a partition.
type writer struct {
	net  *inputs.Network
	p    *inputs.Partition
	live []int
	b    *array.RecordBuilder
}

// next returns the builder of a column.
func (w *writer) next(name string) array.Builder {
	return w.b.Field(w.b.Schema().FieldIndices(name)[0])
}

func (w *writer) dates(name string, day func(row int) (calendars.Day, bool)) {
	out := w.next(name).(*array.Date32Builder)
	for _, row := range w.live {
		if d, ok := day(row); ok {
			out.Append(arrow.Date32(d))
		} else {
			out.AppendNull()
		}
	}
}

func (w *writer) texts() error {
	p := w.p
	sets := map[inputs.LaneSetIdx]string{}
	for _, c := range []struct {
		name string
		text func(row int) string
	}{
		{"item", func(row int) string { return w.net.Items.ID[p.Item[row]] }},
		{"node", func(row int) string { return w.net.Nodes.ID[p.Node[row]] }},
		{"lanes", func(row int) string {
			set := p.LaneSet[row]
			if set == inputs.None {
				return ""
			}
			text, ok := sets[set]
			if !ok {
				var names []string
				for _, l := range w.net.LaneSets[set].Lanes {
					names = append(names, w.net.Lanes.ID[l])
				}
				text = strings.Join(names, ";")
				sets[set] = text
			}
			return text
		}},
		{"policy", func(row int) string { return policyWords[p.Policy[row]] }},
	} {
		out := w.next(c.name).(*array.BinaryDictionaryBuilder)
		for _, row := range w.live {
			text := c.text(row)
			if text == "" {
				out.AppendNull()
				continue
			}
			if err := out.AppendString(text); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) demand() {
	list := w.next("demand").(*array.FixedSizeListBuilder)
	values := list.ValueBuilder().(*array.Int64Builder)
	values.Reserve(len(w.live) * w.p.Horizon)
	for _, row := range w.live {
		list.Append(true)
		for day := range w.p.Horizon {
			values.UnsafeAppend(w.p.Demand(row, day))
		}
	}
}
