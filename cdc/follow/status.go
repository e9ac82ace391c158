package follow

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"echelon/cdc"
	"echelon/inputs"
)

// Status is what a follower is doing.
type Status struct {
	Partitions  []PartitionStatus // ascending; the log behind HTTP among them
	Read        int64             // records since the follower began
	Applied     int64             // records that said something, repeats among them
	Quarantined int64             // records that could not be decoded
	Short       int64             // transactions taken although records, or their END, never came
	Held        int               // records that wait for open transactions
	Alive       map[string]int64  // source → newest sign of life, microseconds UTC
	Missing     []string          // optional topics that are not there
	Stalls      []Stall
	Away        int    // looks in a row that did not reach the cluster
	LastError   string // of fetching or looking, "" none
}

// PartitionStatus is one partition.
type PartitionStatus struct {
	Partition cdc.Partition
	Applied   int64 // offset up to which all is in the state
	Read      int64
	End       int64 // as the last look saw it
	Held      int   // records that wait
	Heard     int64 // time of the newest record since the follower began, microseconds UTC; 0: none
}

// Lag is the number of offsets between what is applied and the end.
func (p PartitionStatus) Lag() int64 { return max(0, p.End-p.Applied) }

// Stall is something that holds a feed up. Kinds are stable.
type Stall struct {
	Kind  string // open_transaction, foreign_transaction, held_records, broker_away
	Where string
	Name  string // of the transaction or producer
	Since time.Time
	Hint  string
}

// Kinds of Stall.
const (
	StallOpen    = "open_transaction"
	StallForeign = "foreign_transaction"
	StallHeld    = "held_records"
	StallAway    = "broker_away"
)

// String gives the stall as one line.
func (s Stall) String() string {
	out := s.Kind + " at " + s.Where
	if s.Name != "" {
		out += ": " + s.Name
	}
	return out + " (" + s.Hint + ")"
}

// Status gives what Run last did.
func (f *Follower) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shown
}

// show copies the status for others.
func (f *Follower) show() {
	s := f.status
	s.Alive = maps.Clone(s.Alive)
	s.Held = f.waiting
	s.Partitions = make([]PartitionStatus, 0, len(f.parts)+1)
	for _, p := range f.parts {
		s.Partitions = append(s.Partitions, PartitionStatus{p.Partition, p.applied(), p.read, max(p.end, p.read), len(p.queue), p.heard})
	}
	if f.log != nil {
		s.Partitions = append(s.Partitions, PartitionStatus{f.log.Partition, f.log.read, f.log.read, f.log.end, 0, f.log.heard})
	}
	s.Stalls = f.stalls()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shown = s
}

// stalls names what holds the feed up.
func (f *Follower) stalls() []Stall {
	var out []Stall
	now := f.cfg.Now()
	old := now.Add(-time.Duration(f.cfg.StallAfter) * f.cfg.Look).UnixMicro()
	for _, t := range f.txs {
		if t.since > old {
			continue
		}
		s := Stall{
			Kind: StallOpen, Where: "source " + t.source, Name: "transaction " + inputs.Cut(t.id), Since: time.UnixMicro(t.since),
			Hint: fmt.Sprintf("%d records read, no END: what stands behind them waits until the source ends it", t.seen),
		}
		if t.later != 0 && !t.ended {
			s.Hint = fmt.Sprintf("%d records read, no END although the source went on: taken as it is %v after its last record, when all is read", t.seen, f.cfg.TxGrace)
		}
		if t.ended {
			if t.seen >= t.want {
				continue // whole: it waits for another one
			}
			s.Hint = fmt.Sprintf("%d of %d records read: the others are on their way, or were compacted away", t.seen, t.want)
			if t.want == noCount {
				s.Hint = fmt.Sprintf("%d records read, its marks were not kept", t.seen)
			}
		}
		out = append(out, s)
	}
	for _, p := range f.parts {
		if p.stuck < f.cfg.StallAfter {
			continue
		}
		name := p.by
		if name == "" {
			name = "a producer that cannot be asked for"
		}
		out = append(out, Stall{
			Kind: StallForeign, Where: fmt.Sprintf("%s-%d offset %d", p.Topic, p.ID, p.stable), Name: name,
			Since: now.Add(-time.Duration(p.stuck) * f.cfg.Look),
			Hint:  fmt.Sprintf("its Kafka transaction is open: %d offsets behind it cannot be read; end it there, or abort it (kafka-transactions abort)", p.end-p.stable),
		})
	}
	if f.asleep {
		out = append(out, Stall{
			Kind: StallHeld, Where: fmt.Sprintf("%d records", f.waiting), Since: now,
			Hint: fmt.Sprintf("as many wait for open transactions as may (%d): raise the limit of held records, or end the transactions", f.cfg.HeldRecords),
		})
	}
	if f.status.Away >= f.cfg.StallAfter {
		out = append(out, Stall{
			Kind: StallAway, Where: "the cluster", Name: f.status.LastError, Since: now.Add(-time.Duration(f.status.Away) * f.cfg.Look),
			Hint: "check the addresses and that the cluster is up; reading goes on when it is back",
		})
	}
	return out
}

// names joins stalls for an error.
func names(stalls []Stall) string {
	var out []string
	for _, s := range stalls {
		out = append(out, s.String())
	}
	return strings.Join(slices.Compact(out), "; ")
}
