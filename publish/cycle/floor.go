package cycle

import (
	"context"
	"errors"

	"echelon/inputs"
	"echelon/inputs/build"
)

// UnderFloor tells of every SKU whose available stock is under its floor today, by the parameters in force: what the
// snapshot in memory has after the cascade, with what moved since written into a copy. ok is false when there is no
// such snapshot, or more than values moved.
func (w *Warm) UnderFloor(ctx context.Context, feed *Feed, tell func(item, node string)) (ok bool, err error) {
	last := w.last()
	if last == nil || feed.Since == nil {
		return false, nil
	}
	moves, _, err := feed.Since(ctx, last.mark)
	if err != nil || moves == nil {
		return false, err
	}
	now, err := build.Patch(ctx, last.built, moves.Before, moves.After, moves.Moved, last.opt)
	if errors.Is(err, build.ErrStructure) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	n := now.Network
	for _, p := range now.Partitions {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		for row, item := range p.Item {
			if item == inputs.None || p.Flags[row]&inputs.FlagHeld != 0 {
				continue
			}
			stock := int64(p.OnHand[row]) - int64(p.Reserved[row]) - int64(p.Unusable[row]) - int64(p.Backorders[row])
			if stock*1000 < floorToday(n, p, row) {
				tell(n.Items.ID[item], n.Nodes.ID[p.Node[row]])
			}
		}
	}
	return true, nil
}

// floorToday is the floor of a row on day 0 in thousandths: the larger of presentation minimum and safety stock, which
// is units, by date where dated, and at least so many days of the own demand after today. 0 outside the row's dates.
func floorToday(n *inputs.Network, p *inputs.Partition, row int) int64 {
	f := p.Flags[row]
	day0 := n.Nodes.Day0[p.Node[row]]
	if f&inputs.FlagDates != 0 && (day0 < p.SaleFrom[row] || day0 > p.SaleTo[row]) {
		return 0
	}
	units := int64(p.SafetyUnits[row])
	if f&inputs.FlagDatedSafety != 0 {
		lo, hi := inputs.Range(p.Safety.Row, int32(row))
		for i := lo; i < hi && p.Safety.From[i] <= day0; i++ {
			units = int64(p.Safety.Units[i])
		}
	}
	safe := units * 1000
	if days := int64(p.SafetyDays[row]); days > 0 {
		var ahead int64
		day := 1
		for ; days >= 1000; days -= 1000 {
			ahead += demandOn(p, row, day)
			day++
		}
		if days > 0 {
			ahead += (demandOn(p, row, day)*days + 999) / 1000
		}
		safe = max(safe, ahead)
	}
	return max(safe, int64(p.Presentation[row])*1000)
}

// demandOn is the demand of a day; behind the horizon the last seven days repeat.
func demandOn(p *inputs.Partition, row, day int) int64 {
	if h := p.Horizon; day >= h {
		day = h - 7 + (day-h)%7
	}
	return p.Demand(row, day)
}
