package serve

import (
	"context"
	"errors"
	"hash/maphash"
	"io"

	"echelon/calendars"
	"echelon/cdc/state"
	"echelon/cmd/echelon/feeds"
	"echelon/inputs"
)

// watchFloors looks at cuts, and asks for a cycle when more SKUs than the file says are under their floor that were
// not when the last cycle was planned.
func (t *tenant) watchFloors(ctx context.Context) {
	clock := t.svc.opt.Clock
	for at := clock.Now().Add(t.cfg.Floor.Every); sleep(ctx, clock, at); at = clock.Now().Add(t.cfg.Floor.Every) {
		if err := t.lookAtFloors(ctx); err != nil && ctx.Err() == nil {
			t.log.Warn("floors are not looked at", "error", err)
		}
	}
}

func (t *tenant) lookAtFloors(ctx context.Context) error {
	if _, following := t.feeds.Status(); !following {
		return nil
	}
	cut, err := t.feeds.CutNow(ctx)
	if err != nil {
		return err
	}
	now := t.svc.opt.Clock.Now()
	how := inForce
	under, err := t.underNow(ctx, how, cut)
	if err == nil && under == nil {
		how = byRows
		under, err = t.underNow(ctx, how, cut)
	}
	if err != nil {
		return err
	}
	t.mu.Lock()
	was := t.under[how]
	if was == nil {
		t.under[how] = under // what is under since before the start is no news
	}
	t.mu.Unlock()
	fell := 0
	for sku := range under {
		if was != nil && !was[sku] {
			fell++
		}
	}
	t.svc.metrics.floor(t.name, len(under), fell)
	if fell <= t.cfg.Floor.SKUs {
		return nil
	}
	j, err := newJob(Order{}, "floor", "", now, t.cfg.Wait)
	if err != nil {
		return err
	}
	t.log.Info("SKUs fell under their floor", "skus", fell, "limit", t.cfg.Floor.SKUs, "cycle", j.id)
	t.mu.Lock()
	t.under[how] = under // the same SKUs do not ask twice
	t.mu.Unlock()
	_, _, err = t.add(j)
	return err
}

// looking is a way of looking at floors; the two see other SKUs, so each is compared with itself.
type looking int

const (
	inForce looking = iota // by the parameters in force, as the last cycle's snapshot has them
	byRows                 // by what the rows themselves say
)

// planned takes the SKUs under their floor in a cycle's cut as those that the next ones are compared with.
func (t *tenant) planned(ctx context.Context, cut *state.Cut) {
	var under [2]map[uint64]bool
	for how := range under {
		var err error
		if under[how], err = t.underNow(ctx, looking(how), cut); err != nil {
			t.log.Warn("floors are not looked at", "error", err)
			return
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.under = under
}

// underNow gives the SKUs under their floor in a cut; nil where it cannot be said by the parameters in force: no
// cycle's snapshot is in memory, or more than values moved since.
func (t *tenant) underNow(ctx context.Context, how looking, cut *state.Cut) (map[uint64]bool, error) {
	if how == byRows {
		return underFloor(ctx, cut, calendars.Day(t.svc.opt.Clock.Now().Unix()/86400))
	}
	under := map[uint64]bool{}
	ok, err := t.warm.UnderFloor(ctx, t.feeds.Feed(&feeds.Cut{Cut: cut}), func(item, node string) { under[hashOf(item, node)] = true })
	if err != nil || !ok {
		return nil, err
	}
	return under, nil
}

func hashOf(item, node string) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.WriteString(item)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(node)
	return h.Sum64()
}

var seed = maphash.MakeSeed()

// underFloor gives the SKUs whose available stock (on hand less reserved, unusable and backorders) is under their
// floor: the larger of safety stock in units (dated, else that of the SKU) and presentation minimum, as the rows say
// it: parameters of wider scopes and safety in days are not among them. One pass over three tables that are sorted by item and node.
func underFloor(ctx context.Context, src inputs.Source, today calendars.Day) (map[uint64]bool, error) {
	stock, err := openWalk(ctx, src, "inventory")
	if err != nil {
		return nil, err
	}
	skus, err := openWalk(ctx, src, "skus")
	if err != nil {
		return nil, err
	}
	dated, err := openWalk(ctx, src, "safety_stocks")
	if err != nil {
		return nil, err
	}
	defer stock.close()
	defer skus.close()
	defer dated.close()
	out := map[uint64]bool{}
	for stock.next() {
		floor := int64(0)
		safety := int64(0)
		if skus.seek(stock.item, stock.node) {
			safety, floor = skus.int("safety_units"), skus.int("presentation_min")
		}
		for dated.seek(stock.item, stock.node) { // ascending by from: the last one that has begun counts
			if dated.int("from") <= int64(today) {
				safety = dated.int("units")
			}
			if !dated.next() {
				break
			}
		}
		floor = max(floor, safety)
		if stock.int("on_hand")-stock.int("reserved")-stock.int("unusable")-stock.int("backorders") < floor {
			out[hashOf(stock.item, stock.node)] = true
		}
	}
	return out, errors.Join(stock.err, skus.err, dated.err)
}

// walk goes over the rows of a table that is sorted by item and node.
type walk struct {
	ctx        context.Context
	r          inputs.Reader
	b          *inputs.Batch
	row        int
	item, node string
	begun, end bool
	err        error
}

func openWalk(ctx context.Context, src inputs.Source, table string) (*walk, error) {
	if !src.Has(table) {
		return &walk{end: true}, nil
	}
	r, err := src.Open(ctx, table)
	return &walk{ctx: ctx, r: r}, err
}

func (w *walk) close() {
	if w.r != nil {
		_ = w.r.Close() // only read
	}
}

// next goes to the next row; false: there is none.
func (w *walk) next() bool {
	w.begun = true
	if w.end {
		return false
	}
	w.row++
	for w.b == nil || w.row >= w.b.Rows {
		b, err := w.r.Next(w.ctx)
		if err != nil {
			w.end, w.item, w.node = true, "", ""
			if !errors.Is(err, io.EOF) {
				w.err = err
			}
			return false
		}
		w.b, w.row = b, 0
	}
	w.item, w.node = w.b.Col("item").Str(w.row), w.b.Col("node").Str(w.row)
	return true
}

// seek goes on to the first row that is not before a key, and reports whether it has the key.
func (w *walk) seek(item, node string) bool {
	if !w.begun {
		w.next()
	}
	for !w.end && (w.item < item || w.item == item && w.node < node) {
		w.next()
	}
	return !w.end && w.item == item && w.node == node
}

func (w *walk) int(column string) int64 { return w.b.Col(column).Int(w.row, 0) }
