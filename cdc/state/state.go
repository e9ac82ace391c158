package state

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"echelon/cdc"
	"echelon/inputs"
)

// State is the tables of one tenant as the feeds left them. All its methods may be called at any time; changes of
// one partition are applied in the order of their offsets.
type State struct {
	cfg Config

	mu        sync.Mutex
	parts     map[cdc.Partition]*partition
	lastPart  cdc.Partition
	lastKnown *partition
	origins   []origin // parallel to cfg.Origins
	sources   map[string]*source
	tables    []*table // parallel to inputs.Contracts
	skus      *keyspace
	spaces    []*keyspace
	days      *dayTable // forecasts
	dicts     map[string]*dict
	window    window
	epoch     uint32 // blocks of an older epoch belong to a cut
	cuts      uint64
	spilled   checkpoints
	ahead     lookahead
	due       dues
}

// origin is what is known of a cdc.Origin.
type origin struct {
	*cdc.Origin
	table     *table
	truncated rank // what is older is gone
	floor     rank // a key without a remembered rank was last changed at or before it
	at        []int
	cols      []originColumn // parallel to Columns
	source    *source
}

// source is how far a source was read.
type source struct {
	high rank
	at   int64 // microseconds UTC, newest
	told int64 // the same, of streamed rows by the source's own clock; 0: none yet
}

// RestoredError says that a source went back to an earlier position, or is another one than the mapping names.
// Nothing of the record was applied; after AcceptRestore it is.
type RestoredError struct {
	Source    string
	Other     string // the source that the record names, "" the same
	Partition cdc.Partition
	Offset    int64
	Position  cdc.Position // of the record
	High      cdc.Position // newest that the partition had
	At        int64        // of a row older than what is there: when the source made it, microseconds UTC, later than all before
}

// Error says what was seen and what to do.
func (e *RestoredError) Error() string {
	where := fmt.Sprintf("source %s, %s-%d offset %d: ", e.Source, e.Partition.Topic, e.Partition.ID, e.Offset)
	if e.Other != "" {
		return where + fmt.Sprintf("the record is of source %s: the topic is fed by another source than the mapping says; correct the one or the other", e.Other)
	}
	if e.At != 0 {
		return where + fmt.Sprintf("position %d/%d is older than what its row holds, but the source made it at %s, later than all that it sent before: it was restored to an earlier position; if its rows are to be taken from there, accept the restore of source %s",
			e.Position.Major, e.Position.Minor, time.UnixMicro(e.At).UTC().Format(time.RFC3339Nano), e.Source)
	}
	return where + fmt.Sprintf("position %d/%d is older than the replay window after %d/%d: the source was restored to an earlier position, or is sent again from far back; if its rows are to be taken from there, accept the restore of source %s",
		e.Position.Major, e.Position.Minor, e.High.Major, e.High.Minor, e.Source)
}

// Open takes the newest whole checkpoint of the folder, or begins empty when there is none. A checkpoint that is
// damaged, or of another tenant, is passed over for the one before it; see State.Passed. When there are some and
// none is whole, that is an error.
func Open(ctx context.Context, cfg Config) (*State, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Keep == 0 {
		cfg.Keep = 3
	}
	s := newState(cfg)
	if cfg.Dir == "" {
		return s, nil
	}
	return s.load(ctx)
}

// Offsets returns the offset to read next of every partition that was read.
func (s *State) Offsets() map[cdc.Partition]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offsets()
}

func (s *State) offsets() map[cdc.Partition]int64 {
	out := make(map[cdc.Partition]int64, len(s.parts))
	for part, p := range s.parts {
		if p.counts.Read > 0 {
			out[part] = p.next
		}
	}
	return out
}

// Counts returns what became of the records of every partition.
func (s *State) Counts() map[cdc.Partition]inputs.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts()
}

func (s *State) counts() map[cdc.Partition]inputs.Counts {
	out := make(map[cdc.Partition]inputs.Counts, len(s.parts))
	for part, p := range s.parts {
		if p.counts.Read > 0 {
			out[part] = p.counts
		}
	}
	return out
}

// Apply takes a change up. Offsets of a partition ascend, with gaps; several changes of one record come under its
// offset, one after another, and count as one. A record below the offset to read next changes nothing and is not
// counted again.
//
// A change older than what is remembered of its key is superseded. One that is older than the window, of a key of
// which nothing is remembered, is taken when its own partition never had a newer one (partitions hold all changes
// of a key, so nothing newer of it can have come), unless the state is Scattered: then, and when it is a late
// snapshot read, it is quarantined as too_late. A streamed one of a partition that had newer ones is a
// *RestoredError. So is a streamed row of an origin with a clock that is older than what its key holds by its position
// and later than all that its source sent before by its clock: a row that is sent again names the instant that it named.
func (s *State) Apply(part cdc.Partition, offset int64, ch *cdc.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partition(part)
	if p.seen(offset) {
		return nil
	}
	fate, err := s.change(&place{part: part, p: p, offset: offset}, ch)
	if err != nil {
		return err
	}
	p.settle(offset, fate)
	return nil
}

// ApplyAll takes the records of a batch up, one after another, as Apply does each of their changes; a record without
// changes is counted as filtered, one with a fault as quarantined. An error says how many records were dealt with
// before the one that it is of.
func (s *State) ApplyAll(part cdc.Partition, records []cdc.Decoded) (done int, err error) {
	for done < len(records) && err == nil {
		var n int
		n, err = s.applySome(part, records[done:min(done+applyAtOnce, len(records))])
		done += n
	}
	return done, err
}

func (s *State) applySome(part cdc.Partition, records []cdc.Decoded) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partition(part)
	s.lookAhead(p, records)
	defer s.carryOut(records)
	at := place{part: part, p: p}
	for i := range records {
		r := &records[i]
		if p.seen(r.Offset) || s.quick(p, records, i) {
			continue
		}
		switch {
		case r.Fault != nil:
			p.settle(r.Offset, Quarantined)
			continue
		case len(r.Changes) == 0:
			p.settle(r.Offset, Filtered)
			continue
		}
		s.carryOut(records)
		at.offset, at.ahead = r.Offset, s.ahead.of(i)
		for k := range r.Changes {
			fate, err := s.change(&at, &r.Changes[k])
			if err != nil {
				return i, err
			}
			p.settle(r.Offset, fate)
			at.ahead = nil
		}
	}
	return len(records), nil
}

// Done counts a record without changes: Filtered, or Quarantined by its decoder.
func (s *State) Done(part cdc.Partition, offset int64, fate Fate) error {
	if fate != Filtered && fate != Quarantined {
		return errors.New("a record without changes is filtered or quarantined")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.partition(part); !p.seen(offset) {
		p.settle(offset, fate)
	}
	return nil
}

// AcceptRestore takes the rows of a source from wherever it is now: all positions remembered of it are forgotten,
// its rows stay until it says otherwise.
func (s *State) AcceptRestore(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for i := range s.origins {
		o := &s.origins[i]
		if o.Source != name {
			continue
		}
		found = true
		o.truncated, o.floor = rank{}, rank{}
		for _, p := range s.parts {
			p.high[i] = rank{}
		}
		s.window.forget(uint16(i))
		if o.table.days != nil {
			o.table.days.log.clear()
		}
	}
	if !found {
		return fmt.Errorf("accept restore: no source %q in the mapping", name)
	}
	*s.source(name) = source{}
	return nil
}

// place is where a change stands.
type place struct {
	part   cdc.Partition
	p      *partition
	offset int64
	ahead  *found // of its key, when it was looked for before
}

func (s *State) change(at *place, ch *cdc.Change) (Fate, error) {
	switch ch.Op {
	case cdc.Upsert, cdc.Delete, cdc.Truncate:
	default:
		s.source(ch.Source).reached(rankOf(ch), ch.At)
		return Filtered, nil
	}
	if ch.Origin < 0 || ch.Origin >= len(s.origins) {
		return 0, fmt.Errorf("%s-%d offset %d: change of origin %d, the mapping has %d", at.part.Topic, at.part.ID, at.offset, ch.Origin, len(s.origins))
	}
	o := &s.origins[ch.Origin]
	if ch.Source != "" && ch.Source != o.Source {
		return 0, &RestoredError{Source: o.Source, Other: ch.Source, Partition: at.part, Offset: at.offset, Position: ch.Position}
	}
	r := rankOf(ch)
	high := &at.p.high[ch.Origin]
	if r.streamed() && r.less(o.floor) && r.less(*high) {
		return 0, &RestoredError{Source: o.Source, Partition: at.part, Offset: at.offset, Position: ch.Position, High: high.position()}
	}
	if o.source == nil {
		o.source = s.source(o.Source)
	}
	v := verdict{rank: r, origin: ch.Origin, leads: !r.less(*high) && !s.cfg.Scattered}
	clocked := o.Clock && r.streamed() && ch.Op == cdc.Upsert && ch.At > o.source.told
	v.first = clocked && o.source.told != 0
	var fate Fate
	var fault *inputs.Fault
	switch {
	case ch.Op == cdc.Truncate:
		fate, fault = s.truncate(o, &v)
	case r.less(o.truncated):
		fate = Superseded
	case o.table.days != nil:
		fate, fault = o.table.days.apply(s, o, ch, &v, at.ahead)
	default:
		fate, fault = o.table.apply(s, o, ch, &v, at.ahead)
	}
	if v.back {
		return 0, &RestoredError{Source: o.Source, Partition: at.part, Offset: at.offset, Position: ch.Position, High: high.position(), At: ch.At}
	}
	*high = later(*high, r)
	o.source.reached(r, ch.At)
	if clocked {
		o.source.told = ch.At
	}
	if fate == Applied {
		o.table.at = max(o.table.at, ch.At)
	}
	if fault != nil && s.cfg.Quarantine != nil {
		fault.Table = o.Contract.Table
		fault.Source, fault.Position = fmt.Sprintf("%s-%d", at.part.Topic, at.part.ID), at.offset
		s.cfg.Quarantine(*fault)
	}
	return fate, nil
}

// verdict is what is known of a change before its key is looked at.
type verdict struct {
	rank   rank
	origin int
	leads  bool // nothing newer of its key can have come by another way than its own partition, which had none
	first  bool // by its source's own clock it is later than all that the source sent before: it is not sent again
	back   bool // and its row holds something newer: the source went back
}

// late reports whether a change of a key without remembered rank is older than the window.
func (v *verdict) late(o *origin) bool { return v.rank.less(o.floor) && !v.leads }

func tooLate() *inputs.Fault {
	return &inputs.Fault{
		Reason: inputs.TooLate,
		Hint:   "older than the replay window: what its key held since then is not known; send the row again, or widen the window",
	}
}

// source returns what is known of a source.
func (s *State) source(name string) *source {
	src := s.sources[name]
	if src == nil {
		src = &source{}
		s.sources[name] = src
	}
	return src
}

// reached notes how far a source was read.
func (src *source) reached(r rank, at int64) {
	src.high = later(src.high, r)
	src.at = max(src.at, at)
}

// SourcePosition is how far one source was read.
type SourcePosition struct {
	Source   string
	Position cdc.Position
	At       int64 // newest instant the source named, microseconds UTC; 0 not known
}

func (s *State) positions() []SourcePosition {
	out := make([]SourcePosition, 0, len(s.sources))
	for name, src := range s.sources {
		out = append(out, SourcePosition{Source: name, Position: src.high.position(), At: src.at})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Source < out[j].Source })
	return out
}
