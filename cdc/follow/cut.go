package follow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"echelon/cdc"
	"echelon/inputs"
)

// Want is what a cut has to reach.
type Want struct {
	Offsets   map[cdc.Partition]int64 // everything before these
	Positions map[string]cdc.Position // source → a position that was applied
	// Progress is told how many offsets are missing, now and then; nil: nobody.
	Progress func(missing int64)
}

// Frontier is how far a cut is in.
type Frontier struct {
	Offsets map[cdc.Partition]int64 // up to which everything is in the cut, marks of the broker included
	Alive   map[string]int64        // source → newest sign of life, microseconds UTC
	Stalls  []Stall
	Missing []string // optional topics that are not there
}

// cutter waits for a cut.
type cutter struct {
	want Want
	take func() error
	got  chan cutResult
	gone <-chan struct{}
}

type cutResult struct {
	frontier Frontier
	err      error
}

// Ends asks the cluster where all partitions end now, those of transactions that are under way included, and the
// log behind HTTP. When Run has ended and the connections are closed, the error is why it ended.
func (f *Follower) Ends(ctx context.Context) (map[cdc.Partition]int64, error) {
	out := map[cdc.Partition]int64{}
	if f.admin != nil {
		seen, err := f.look(ctx)
		if err != nil {
			select {
			case <-f.ended: // what closed the connections says more than that they are closed
				return nil, f.over()
			default:
				return nil, err
			}
		}
		for at, e := range seen.parts {
			out[at] = e.end
		}
	}
	if f.cfg.Log != nil {
		out[f.log.Partition] = f.cfg.Log.End()
	}
	return out, nil
}

// CutAt waits until everything that is wanted is applied and then calls take between two rounds: what it sees of
// the state has every transaction whole or not at all. When the context ends before that, the error says what is
// missing and what holds it up; its kind is Late.
func (f *Follower) CutAt(ctx context.Context, want Want, take func() error) (Frontier, error) {
	c := &cutter{want: want, take: take, got: make(chan cutResult, 1), gone: ctx.Done()}
	select {
	case f.asks <- c:
	case <-f.ended:
		return Frontier{}, f.over()
	case <-ctx.Done():
		return Frontier{}, f.late(ctx, nil)
	}
	select {
	case r := <-c.got:
		return r.frontier, r.err
	case <-f.ended:
		return Frontier{}, f.over()
	case <-ctx.Done():
		return Frontier{}, f.late(ctx, &want)
	}
}

// over is why Run ended.
func (f *Follower) over() error {
	if f.err != nil {
		return f.err
	}
	return errors.New("the feed is no longer followed")
}

// late says what a cut still lacks.
func (f *Follower) late(ctx context.Context, want *Want) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	st := f.Status()
	var missing []string
	if want != nil {
		at := map[cdc.Partition]int64{}
		for _, p := range st.Partitions {
			at[p.Partition] = p.Applied
		}
		missing = lacks(want, at, nil)
	}
	e := &Error{
		Kind: Late, Where: strings.Join(missing, ", "), Err: ctx.Err(),
		Hint: "nothing was planned; wait longer, or ask for an earlier position",
	}
	if len(st.Stalls) > 0 {
		e.Hint = names(st.Stalls)
	}
	return e
}

// lacks lists what is not reached, some of it; high is nil where only offsets are looked at.
func lacks(want *Want, at map[cdc.Partition]int64, high map[string]cdc.Position) []string {
	var out []string
	for _, name := range slices.SortedFunc(maps.Keys(want.Offsets), func(a, b cdc.Partition) int {
		if n := strings.Compare(a.Topic, b.Topic); n != 0 {
			return n
		}
		return int(a.ID) - int(b.ID)
	}) {
		if have := at[name]; have < want.Offsets[name] {
			out = append(out, fmt.Sprintf("%s-%d at %d of %d", name.Topic, name.ID, have, want.Offsets[name]))
		}
	}
	for _, source := range slices.Sorted(maps.Keys(want.Positions)) {
		if have := high[source]; high != nil && have.Compare(want.Positions[source]) < 0 {
			out = append(out, fmt.Sprintf("source %s at %d/%d of %d/%d", source, have.Major, have.Minor, want.Positions[source].Major, want.Positions[source].Minor))
		}
	}
	if len(out) > 5 {
		out = append(out[:5], fmt.Sprintf("and %d more", len(out)-5))
	}
	return out
}

// reached reports whether everything that is wanted is applied, and how many offsets are missing.
func (f *Follower) reached(want *Want) (missing int64, ok bool) {
	for name, offset := range want.Offsets {
		p := f.byName[name]
		if p == nil && f.log != nil && name == f.log.Partition {
			p = f.log
		}
		if p == nil {
			missing += max(1, offset)
			continue
		}
		missing += max(0, offset-p.applied())
	}
	ok = missing == 0
	for source, at := range want.Positions {
		if f.high[source].Compare(at) < 0 {
			ok = false
		}
	}
	return missing, ok
}

// answer makes the cuts that can be made.
func (f *Follower) answer() {
	left := f.cutters[:0]
	for _, c := range f.cutters {
		select {
		case <-c.gone:
			continue
		default:
		}
		missing, ok := f.reached(&c.want)
		if !ok {
			if c.want.Progress != nil {
				c.want.Progress(missing)
			}
			left = append(left, c)
			continue
		}
		r := cutResult{frontier: f.frontier()}
		if c.take != nil {
			r.err = c.take()
		}
		c.got <- r
	}
	clear(f.cutters[len(left):])
	f.cutters = left
}

func (f *Follower) frontier() Frontier {
	out := Frontier{Offsets: map[cdc.Partition]int64{}, Alive: maps.Clone(f.status.Alive), Missing: f.status.Missing, Stalls: f.stalls()}
	for _, p := range f.parts {
		out.Offsets[p.Partition] = p.applied()
	}
	if f.log != nil {
		out.Offsets[f.log.Partition] = f.log.read
	}
	return out
}

// Wants gives the offsets of a list such as "topic/0=15,topic/1=7".
func Wants(text string) (map[cdc.Partition]int64, error) {
	out := map[cdc.Partition]int64{}
	for _, part := range strings.Split(text, ",") {
		name, offset, ok := strings.Cut(strings.TrimSpace(part), "=")
		at := strings.LastIndexByte(name, '/')
		var p cdc.Partition
		var n int64
		if ok && at > 0 {
			p.Topic = name[:at]
			_, err := fmt.Sscanf(name[at+1:]+" "+offset, "%d %d", &p.ID, &n)
			ok = err == nil && n >= 0 && p.ID >= 0
		}
		if !ok || at <= 0 {
			return nil, fmt.Errorf("%q: want topic/partition=offset", inputs.Cut(part))
		}
		out[p] = n
	}
	return out, nil
}
