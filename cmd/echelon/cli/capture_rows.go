package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"echelon/calendars"
	"echelon/inputs"
)

// forecast writes the days that were given, where repeating the last of them gives the rest, else all days.
func (s *snapshotRows) forecast(p *inputs.Partition, row int, key func(...string) map[string]string) {
	if p.Flags[row]&inputs.FlagNoForecast != 0 {
		return
	}
	from, list := givenDays(p, row)
	texts := make([]string, len(list))
	for d := range list {
		texts[d] = inText("forecasts", "demand", list[d])
	}
	day0 := s.net.Nodes.Day0[p.Node[row]]
	s.put("forecasts", key("from", (day0+calendars.Day(from)).String(), "daily", strings.Join(texts, ";")))
}

// givenDays finds a list of days that ends where the row's forecast ends and gives its demand: the last week of it, or
// fewer days, repeated.
func givenDays(p *inputs.Partition, row int) (from int, list []int64) {
	end := int(p.ForecastDays[row])
	for period := 7; period > 0 && end < p.Horizon; period-- {
		from = end - period
		if period == 7 {
			from = min(0, from)
		}
		list = make([]int64, end-from)
		for d := range list {
			switch day := from + d; {
			case day >= 0:
				list[d] = p.Demand(row, day)
			default: // the first day on which it comes again
				if again := day + (end-1-day)/period*period + period; again >= 0 && again < p.Horizon {
					for again-period >= end {
						again -= period
					}
					list[d] = p.Demand(row, again)
				}
			}
		}
		fits := true
		for day := range p.Horizon {
			want := int64(0)
			switch {
			case day >= end:
				want = list[len(list)-period+(day-end)%period]
			case day >= from:
				want = list[day-from]
			}
			fits = fits && want == p.Demand(row, day)
		}
		if fits {
			return from, list
		}
	}
	list = make([]int64, p.Horizon)
	for d := range list {
		list[d] = p.Demand(row, d)
	}
	return 0, list
}

// orders gathers the open orders of a SKU, of which one end may lie at another.
func (s *snapshotRows) orders(p *inputs.Partition, row int) {
	item, at := s.net.Items.ID[p.Item[row]], p.Node[row]
	nodes := &s.net.Nodes
	order := func(ref string, dest inputs.NodeIdx, lane inputs.LaneIdx) map[string]string {
		o := s.order[ref]
		if o == nil {
			cut := strings.LastIndexByte(ref, '/')
			o = map[string]string{"order": ref[:cut], "line": ref[cut+1:], "item": item, "destination": nodes.ID[dest], "status": "released"}
			if lane != inputs.None {
				o["lane"] = s.net.Lanes.ID[lane]
				s.loose(lane)
			}
			s.order[ref] = o
		}
		return o
	}
	lo, hi := inputs.Range(p.Inbound.Row, int32(row))
	for i := lo; i < hi; i++ {
		lane := p.Inbound.Lane[i]
		o := order(p.Inbound.Ref[i], at, lane)
		o["due_on"] = p.Inbound.Due[i].String()
		if p.Inbound.Flags[i]&inputs.OrderToday != 0 {
			s.today[p.Inbound.Ref[i]] = at
			if lane != inputs.None {
				s.today[p.Inbound.Ref[i]] = s.net.Lanes.Source[lane]
			}
		}
		left, _ := strconv.ParseInt(o["ordered"], 10, 64) // what is to be picked, when that came first
		o["ordered"], o["shipped"] = fmt.Sprint(p.Inbound.Qty[i]), fmt.Sprint(p.Inbound.Qty[i]-left)
	}
	lo, hi = inputs.Range(p.Outbound.Row, int32(row))
	for i := lo; i < hi; i++ {
		o := order(p.Outbound.Ref[i], p.Outbound.Dest[i], p.Outbound.Lane[i])
		o["source"], o["pick_on"] = nodes.ID[at], (nodes.Day0[at] + calendars.Day(p.Outbound.Day[i])).String()
		if all, err := strconv.ParseInt(o["ordered"], 10, 64); err == nil {
			o["shipped"] = fmt.Sprint(all - p.Outbound.Qty[i])
			continue
		}
		o["ordered"], o["shipped"], o["due_on"] = fmt.Sprint(p.Outbound.Qty[i]), "0", nodes.Day0[p.Outbound.Dest[i]].String()
	}
}

// loose writes a lane that an order or release names and no SKU of the snapshot uses: nothing is known of its legs, and
// nothing is ordered on it.
func (s *snapshotRows) loose(i inputs.LaneIdx) {
	for _, set := range s.net.LaneSets {
		if at := slices.Index(set.Lanes, i); at >= 0 {
			s.lane(i, &s.net.Classes[set.Class].Lanes[at])
			return
		}
	}
	s.unknown++
	s.lane(i, &inputs.ClassLane{
		LaneOrderCal: inputs.None, DepartCal: inputs.None, TransitCal: inputs.None, ReceiveCal: s.net.Lanes.ReceiveCal[i],
		Cutoff: inputs.None, TransitElapsed: true, SourceDay0: s.net.Nodes.Day0[s.net.Lanes.Source[i]],
		ValidTo: s.net.Nodes.Day0[s.net.Lanes.Source[i]] - 1,
	})
}
