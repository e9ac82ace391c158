package cycle

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
	"echelon/publish/outcome"
	"echelon/publish/state"
)

// Feed is a cut of change feeds: rows of every table, with a name for every position up to which they are in.
type Feed struct {
	Source inputs.Source
	// Cut names the positions: "feed/TOPIC/PARTITION" → offset, "source/NAME" → position. Equal cuts have equal rows.
	Cut   map[string]string
	Parts []FeedPart // ascending by topic and partition
	// Alive is when a table's feeds last gave a sign of life, microseconds UTC.
	Alive map[string]int64
	// Check reads all tables for rows that break a rule across columns; nil: there are none.
	Check func(ctx context.Context) (Checked, error)
	// Faults are what a person should know of the feeds: what holds one up, topics that are not there.
	Faults []Fault
	// Mark stands for this cut in the Since of a later one of the same feeds, which says what moved between the two;
	// without moves it says why all rows must be read. nil: that is not known.
	Mark  any
	Since func(ctx context.Context, mark any) (moves *Moves, why string, err error)
}

func (f *Feed) check(ctx context.Context) (Checked, error) {
	if f.Check == nil {
		return Checked{}, nil
	}
	return f.Check(ctx)
}

// FeedPart is what became of the records of one partition, since its first record.
type FeedPart struct {
	Topic       string   `json:"topic"`
	Partition   int32    `json:"partition"`
	Offset      int64    `json:"offset"` // to read next
	Read        int64    `json:"read"`
	Applied     int64    `json:"applied"`
	Superseded  int64    `json:"superseded"`
	Quarantined int64    `json:"quarantined"`
	Filtered    int64    `json:"filtered"`
	Tables      []string `json:"tables,omitempty"` // of ours that it feeds
}

// openInputs takes up what the cycle is planned from.
func (r *run) openInputs(ctx context.Context) (*source, error) {
	if r.cfg.Feed == nil {
		return openSource(ctx, &r.cfg, func(f inputs.Fault) { r.quarantine.add(f) })
	}
	stands, err := r.standing(ctx)
	if err != nil || stands != nil {
		return stands, err
	}
	f, err := r.cfg.Feed(ctx)
	if err != nil {
		return nil, err
	}
	return &source{feed: f, digests: f.Cut}, nil
}

// standing is the inputs of a cycle that was begun before: its cut as it was written down. Where its snapshot was
// never finished, nothing of it was planned and the feeds have gone on: the id is free for the cut that is there
// now.
func (r *run) standing(ctx context.Context) (*source, error) {
	cycle := r.cfg.Cycle
	if cycle == "" && r.cfg.AsOf != 0 {
		cycle = idOf(r.cfg.AsOf)
	}
	if r.store == nil || cycle == "" {
		return nil, nil
	}
	known, err := r.store.Find(ctx, r.cfg.Tenant, cycle)
	if err != nil || known == nil || known.State == state.CycleRefused || known.State == state.CycleRecovered {
		return nil, err
	}
	as := &source{feed: &Feed{Cut: known.Inputs}, digests: known.Inputs}
	if known.State != state.CyclePlanning || known.PolicyHash != r.cfg.PolicyHash {
		return as, nil
	}
	snapshots, err := r.store.Snapshots(ctx, r.cfg.Tenant)
	if err != nil {
		return nil, err
	}
	id := snapshotID(&r.cfg, &known.Intent)
	dir := filepath.Join(r.cfg.State, "snapshots", "tenant="+r.cfg.Tenant, id)
	if slices.ContainsFunc(snapshots, func(s state.Snapshot) bool { return s.ID == id }) {
		if _, err := store.Open(dir, r.cfg.Tenant); err == nil {
			return as, nil
		}
	}
	dcs, err := r.store.DCs(ctx, r.cfg.Tenant, cycle)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(dcs, func(d state.DC) bool { return d.State != state.DCPlanning && d.State != state.DCAsked }) {
		return nil, outcome.New(outcome.CodeUsage, "cut_gone", "cycle "+cycle, "plan under another cycle id; what is published of this one stays",
			"its snapshot cannot be read any more, and the feeds have gone on")
	}
	return nil, r.store.CloseCycle(ctx, r.cfg.Tenant, cycle, state.CycleRefused, "", r.cfg.Now())
}

// report joins what became of the records of the feeds with what the builder counted of the rows of the cut.
func (f *Feed) report(b *build.Report, checked Checked) report {
	out := report{Tables: make(map[string]Input), Feeds: f.Parts, Faults: slices.Concat(f.Faults, checked.Faults)}
	for _, c := range inputs.Contracts() {
		if !f.Source.Has(c.Table) && checked.Broken[c.Table] == 0 {
			continue
		}
		n := b.Counts(c.Table)
		in := Input{Read: n.Read, Applied: n.Applied, Superseded: n.Superseded, Quarantined: n.Quarantined, Filtered: n.Filtered}
		if !c.Used {
			out.Unused = append(out.Unused, c.Table)
		}
		in.Read += checked.Broken[c.Table]
		in.Quarantined += checked.Broken[c.Table]
		if at := f.Alive[c.Table]; at != 0 {
			in.Freshness = time.UnixMicro(at).UTC().Format(time.RFC3339)
		}
		out.Tables[c.Table] = in
	}
	for _, x := range b.Faults {
		out.Faults = append(out.Faults, rowFault(x))
	}
	return out
}

// poison judges the records that could not be read since the last cycle, per table against its rows: they are no rows
// of the cut, whose share would hide them.
func poison(gates []Gate, now, before []FeedPart, tables map[string]Input) []verdict {
	was := map[string]int64{}
	key := func(p *FeedPart) string { return fmt.Sprintf("%s/%d", p.Topic, p.Partition) }
	for i := range before {
		was[key(&before[i])] = before[i].Quarantined
	}
	fresh := map[string]int64{}
	for i := range now {
		for _, table := range now[i].Tables {
			fresh[table] += max(0, now[i].Quarantined-was[key(&now[i])])
		}
	}
	var states []inputs.TableState
	for _, c := range inputs.Contracts() {
		if n := fresh[c.Table]; n > 0 {
			states = append(states, inputs.TableState{Table: c.Table, Now: inputs.Counts{Read: tables[c.Table].Read + n, Quarantined: n}})
		}
	}
	var out []verdict
	for _, v := range inputs.Judge(states, thresholds(gates)) {
		if v.Kind == "quarantined" {
			v.Hint = "records of its feeds that could not be read since the last cycle: " + v.Hint
			out = append(out, verdict{v.Kind, v.Where, v.Hint, v.Refused})
		}
	}
	return out
}

// lastFeeds is what the last cycle's feeds had come to.
func (r *run) lastFeeds(ctx context.Context) ([]FeedPart, error) {
	all, err := r.store.Cycles(ctx, r.cfg.Tenant)
	if err != nil {
		return nil, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		c := &all[i]
		if c.Cycle == r.intent.Cycle || c.AsOf > r.intent.AsOf || c.Result == "" || c.State == state.CycleRefused {
			continue
		}
		last, err := DecodeResult(c.Result)
		if err != nil {
			return nil, err
		}
		return last.Feeds, nil
	}
	return nil, nil
}
