package feeds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"echelon/cdc"
	"echelon/cdc/follow"
	"echelon/cdc/state"
	"echelon/inputs"
	"echelon/publish/cycle"
)

// Want is what a cut has to reach.
type Want struct {
	// AtLeast are offsets to reach; nil: the ends of all partitions as they are when the cut is asked for.
	AtLeast map[cdc.Partition]int64
	// Positions to reach, by source.
	Positions map[string]cdc.Position
	// Lenient takes what is there when the cluster is away; what a gate says of its age decides then.
	Lenient bool
	Wait    time.Duration // for the positions; 0: 5 minutes
	// Progress is told how many offsets are missing; nil: nobody.
	Progress func(missing int64)
}

const defaultWait = 5 * time.Minute

// Cut is a cut with what cycles want to know of it.
type Cut struct {
	*state.Cut
	Frontier follow.Frontier
	Faults   []cycle.Fault
}

// Cut waits until everything that is wanted is in, and cuts between two transactions.
func (f *Feeds) Cut(ctx context.Context, want Want) (*Cut, error) {
	if want.Wait <= 0 {
		want.Wait = defaultWait
	}
	ctx, cancel := context.WithTimeout(ctx, want.Wait)
	defer cancel()
	fl, err := f.running(ctx)
	if err != nil {
		return nil, classify(&follow.Error{Kind: follow.Late, Where: "the feeds", Hint: "they are not followed: look at readyz and at the log", Err: err})
	}
	out := &Cut{}
	w := follow.Want{Offsets: want.AtLeast, Positions: want.Positions, Progress: want.Progress}
	if w.Offsets == nil && len(w.Positions) == 0 {
		ends, err := fl.Ends(ctx)
		var own *follow.Error
		switch {
		case want.Lenient && errors.As(err, &own) && own.Kind == follow.BrokerAway:
			out.Faults = append(out.Faults, cycle.Fault{Kind: own.Kind, Where: "change topics", Hint: "planned from what was read before: " + own.Error()})
			if f.log != nil {
				ends = map[cdc.Partition]int64{{Topic: cdc.HTTPTopic}: f.log.End()}
			}
		case err != nil:
			return nil, classify(err)
		}
		w.Offsets = ends
	}
	out.Frontier, err = fl.CutAt(ctx, w, func() error {
		out.Cut = f.state.Cut()
		return nil
	})
	if err != nil {
		return nil, classify(err)
	}
	for _, s := range out.Frontier.Stalls {
		out.Faults = append(out.Faults, cycle.Fault{Kind: s.Kind, Where: s.Where, Hint: strings.TrimSpace(s.Name + ": " + s.Hint)})
	}
	for _, passed := range f.state.Passed() {
		out.Faults = append(out.Faults, cycle.Fault{Kind: "checkpoint_passed", Where: f.dir, Hint: "the one before was taken: " + passed.Error()})
	}
	return out, nil
}

// Feed gives a cut the form that cycles are planned from.
func (f *Feeds) Feed(c *Cut) *cycle.Feed {
	out := &cycle.Feed{Source: c.Cut, Cut: map[string]string{}, Alive: map[string]int64{}, Faults: c.Faults}
	offsets, counts := c.Offsets(), c.Counts()
	for _, p := range slices.SortedFunc(maps.Keys(offsets), func(a, b cdc.Partition) int {
		if n := strings.Compare(a.Topic, b.Topic); n != 0 {
			return n
		}
		return int(a.ID) - int(b.ID)
	}) {
		out.Cut[fmt.Sprintf("feed/%s/%d", p.Topic, p.ID)] = fmt.Sprint(offsets[p])
		n := counts[p]
		out.Parts = append(out.Parts, cycle.FeedPart{
			Topic: p.Topic, Partition: p.ID, Offset: offsets[p], Read: n.Read, Applied: n.Applied, Superseded: n.Superseded,
			Quarantined: n.Quarantined, Filtered: n.Filtered, Tables: f.tables[p.Topic],
		})
	}
	for _, s := range c.Sources() {
		out.Cut["source/"+s.Source] = fmt.Sprintf("%d/%d", s.Position.Major, s.Position.Minor)
	}
	for i := range f.feeds.Origins {
		o := &f.feeds.Origins[i]
		at := c.Fresh(o.Contract.Table)
		if f.marked(o) {
			at = c.Frontier.Alive[o.Source]
		}
		if was, known := out.Alive[o.Contract.Table]; !known || at < was {
			out.Alive[o.Contract.Table] = at
		}
	}
	const most = 20
	out.Check = func(ctx context.Context) (checked cycle.Checked, err error) {
		checked.Broken, err = c.Check(ctx, func(x inputs.Fault) {
			if len(checked.Faults) < most {
				checked.Faults = append(checked.Faults, cycle.Fault{
					Kind: "quarantined:" + string(x.Reason), Where: fmt.Sprintf("%s of %s, %s %q", x.Table, x.Source, x.Column, x.Value), Hint: x.Hint,
				})
			}
		})
		return checked, err
	}
	out.Mark = c.Cut
	out.Since = func(ctx context.Context, mark any) (*cycle.Moves, string, error) {
		return moves(ctx, mark.(*state.Cut), c.Cut)
	}
	return out
}

// moves says what moved between two cuts of one state; nil, with the reason, when more than values did.
func moves(ctx context.Context, was, now *state.Cut) (*cycle.Moves, string, error) {
	touched, other := now.Touched(was)
	if touched == nil {
		return nil, other.Error(), nil
	}
	moved, ok := touched.Values()
	if !ok {
		return nil, "rows moved in " + strings.Join(structure(touched), ", "), nil
	}
	out := &cycle.Moves{Moved: moved, Before: touched.Before(), After: touched.After(), Shifted: map[string]bool{}}
	for i := range touched.Tables {
		t := &touched.Tables[i]
		name := t.Contract.Table
		// A SKU's forecast rows are touched as one.
		out.Shifted[name] = name == "forecasts" || slices.ContainsFunc(t.Rows, func(r state.TouchedRow) bool { return r.Move != state.Changed })
	}
	for _, side := range [...]inputs.Source{out.Before, out.After} {
		broken, err := side.(*state.Cut).Check(ctx, nil)
		if err != nil {
			return nil, "", err
		}
		for table, n := range broken {
			if n > 0 {
				return nil, "rows that break their contract came, went or changed in " + table, nil
			}
		}
	}
	return out, "", nil
}

// structure names the tables whose rows moved and are more than values.
func structure(t *state.Touched) (names []string) {
	for i := range t.Tables {
		switch name := t.Tables[i].Contract.Table; name {
		case "inventory", "forecasts", "safety_stocks", "open_orders":
		default:
			names = append(names, name)
		}
	}
	return names
}

// Alive is when the feeds of each table last gave a sign of life, as far as the follower knows it, microseconds UTC.
func (f *Feeds) Alive() map[string]int64 {
	status, following := f.Status()
	if !following {
		return nil
	}
	heard := map[string]int64{}
	for _, p := range status.Partitions {
		heard[p.Partition.Topic] = max(heard[p.Partition.Topic], p.Heard)
	}
	out := map[string]int64{}
	for i := range f.feeds.Origins {
		o := &f.feeds.Origins[i]
		at := heard[o.Topic]
		if f.marked(o) {
			at = status.Alive[o.Source]
		}
		if was, known := out[o.Contract.Table]; at != 0 && (!known || at < was) {
			out[o.Contract.Table] = at
		}
	}
	return out
}

// marked reports whether an origin's source says that it is alive when nothing changes; others only say so by rows.
func (f *Feeds) marked(o *cdc.Origin) bool {
	return f.mapping != nil && f.mapping.Sources[o.Source].Debezium()
}

// CutNow cuts where the state stands, between two transactions.
func (f *Feeds) CutNow(ctx context.Context) (*state.Cut, error) {
	fl, err := f.running(ctx)
	if err != nil {
		return nil, err
	}
	var c *state.Cut
	_, err = fl.CutAt(ctx, follow.Want{}, func() error {
		c = f.state.Cut()
		return nil
	})
	return c, classify(err)
}
