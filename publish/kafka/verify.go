package kafka

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// Kinds of findings.
const (
	FindingUnpublished = "unpublished" // the manifest topic has no record of the DC, or one of another plan
	FindingLost        = "lost"        // in the plan files, not in the topic
	FindingDoubled     = "doubled"     // more often in the topic than in the plan files
	FindingChanged     = "changed"     // same line, other values
	FindingForeign     = "foreign"     // in the topic under this cycle, in no plan file
	FindingMisordered  = "misordered"  // the same lines in another order
	FindingChecksum    = "checksum"    // the manifest's checksum is not that of the plan files
)

// Finding is one difference between topics and plan files.
type Finding struct {
	Kind      string `json:"kind"`
	DC        string `json:"dc"`
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"` // -1: none
	Line      string `json:"line,omitempty"`
}

// Report is the result of Verify. Everything is counted; findings are listed up to the limit.
type Report struct {
	Cycle  string           `json:"cycle"`
	DCs    int              `json:"dcs"`
	Lines  map[string]int64 `json:"lines"` // topic → committed lines of the cycle
	Closed bool             `json:"closed"`
	// Unchecked are published DCs whose plan files were not given.
	Unchecked []string         `json:"unchecked,omitempty"`
	Counts    map[string]int64 `json:"counts"` // kind → findings
	Findings  []Finding        `json:"findings"`
}

// OK reports whether topics and plan files agree.
func (r *Report) OK() bool { return len(r.Counts) == 0 }

// listed bounds the findings that are listed.
const listed = 50

func (r *Report) add(f Finding) {
	r.Counts[f.Kind]++
	if len(r.Findings) < listed {
		r.Findings = append(r.Findings, f)
	}
}

// lane of lines: what of one DC lies in one partition.
type laneOf struct {
	dc        string
	topic     string
	partition int32
}

// tally sums up lines in their order: two tallies are equal when the same keys and values came in the same
// order.
type tally struct {
	lines int64
	chain uint64
}

func (t *tally) add(key, value []byte) {
	var raw [24]byte
	binary.LittleEndian.PutUint64(raw[0:], t.chain)
	binary.LittleEndian.PutUint64(raw[8:], xxhash.Sum64(key))
	binary.LittleEndian.PutUint64(raw[16:], xxhash.Sum64(value))
	t.chain = xxhash.Sum64(raw[:])
	t.lines++
}

// Verify reads the topics of a cycle back to their last stable offset, committed records only, and compares
// them with the plan files of its DCs: counts, values, order, doubles, foreign lines. Lines of a
// published DC whose plan files are not given are left out and the DC is named. Memory holds a tally per DC and partition; where two differ, the partition is read
// once more for each million lines to say how.
func (p *Publisher) Verify(ctx context.Context, tenant, cycle string, dcs []*planfile.DC) (*Report, error) {
	r := &Report{Cycle: cycle, DCs: len(dcs), Lines: make(map[string]int64), Counts: make(map[string]int64)}
	book := p.book(tenant)
	where := "cycle " + cycle
	if err := book.settle(ctx); err != nil {
		return nil, classify(err, outcome.CodeAgain, where)
	}
	r.Closed = book.closing(tenant, cycle) != nil
	v := &verifier{
		p: p, book: book, tenant: tenant, cycle: cycle, report: r,
		want: make(map[laneOf]*tally), got: make(map[laneOf]*tally), of: make(map[string]*verified),
	}
	for _, dc := range dcs {
		m := dc.Manifest
		d := book.dc(tenant, cycle, m.DC)
		if d == nil || d.Record != kindDC || d.PlanHash != m.PlanHash {
			r.add(Finding{Kind: FindingUnpublished, DC: m.DC, Topic: book.topic, Offset: -1})
			continue
		}
		v.of[m.DC] = &verified{files: dc, record: d}
		if err := v.expect(ctx, v.of[m.DC]); err != nil {
			return nil, err
		}
		if err := v.checkGroups(ctx, v.of[m.DC]); err != nil {
			return nil, err
		}
	}
	if err := v.read(ctx); err != nil {
		return nil, classify(err, outcome.CodeAgain, where)
	}
	if err := v.explain(ctx); err != nil {
		return nil, classify(err, outcome.CodeAgain, where)
	}
	return r, nil
}

type verified struct {
	files  *planfile.DC
	record *storedDC
}

type verifier struct {
	p             *Publisher
	book          *manifests
	tenant, cycle string
	report        *Report
	of            map[string]*verified
	want, got     map[laneOf]*tally
	stretches     []stretch
}

// replay makes the records of a DC's plan files again and hands them over in order.
func replay(ctx context.Context, dc *planfile.DC, routes []route, only func(route) bool, f func(by route, partition int32, key, value []byte) error) error {
	var value []byte
	for _, by := range routes {
		id, ok := layerID(by.Layer)
		if !ok || !only(by) {
			continue
		}
		rt, err := newRouter(dc.Manifest.DC, by)
		if err != nil {
			return err
		}
		enc := encoderOf(dc.Manifest, by)
		for b, err := range dc.Batches(ctx, id) {
			if err != nil {
				return err
			}
			rt.bind(b)
			enc.bind(b)
			for row := range b.Rows {
				key, partition, _ := rt.route(row)
				value = enc.appendValue(value[:0], row)
				if err := f(by, partition, key, value); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func everyRoute(route) bool { return true }

// expect tallies what the plan files of a DC say.
func (v *verifier) expect(ctx context.Context, d *verified) error {
	sums := make(map[string]*layerSum)
	for _, by := range d.record.Routes {
		sums[by.Layer] = &layerSum{Layer: by.Layer}
	}
	err := replay(ctx, d.files, d.record.Routes, everyRoute, func(by route, partition int32, key, value []byte) error {
		tallyOf(v.want, laneOf{d.files.Manifest.DC, by.Topic, partition}).add(key, value)
		s := sums[by.Layer]
		s.Lines++
		s.Sum += hexSum(xxhash.Sum64(value))
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range d.record.Sums {
		if mine := sums[s.Layer]; mine == nil || *mine != s {
			v.report.add(Finding{Kind: FindingChecksum, DC: d.files.Manifest.DC, Offset: -1, Line: s.Layer})
		}
	}
	return nil
}

func tallyOf(m map[laneOf]*tally, l laneOf) *tally {
	t := m[l]
	if t == nil {
		t = &tally{}
		m[l] = t
	}
	return t
}

// read tallies what the topics say.
func (v *verifier) read(ctx context.Context) error {
	var topics []string
	for _, dc := range sortedKeys(v.of) {
		for _, by := range v.of[dc].record.Routes {
			if !slices.Contains(topics, by.Topic) {
				topics = append(topics, by.Topic)
				v.report.Lines[by.Topic] = 0
			}
		}
	}
	var err error
	if v.stretches, err = v.p.wholeTopics(ctx, topics); err != nil {
		return err
	}
	return scan(ctx, v.p.conn, v.stretches, func(r *kgo.Record) error {
		if !v.ours(r) {
			return nil
		}
		v.report.Lines[r.Topic]++
		dc := header(r, headerDC)
		d := v.of[dc]
		if d == nil && v.withoutFiles(dc, header(r, headerHash)) {
			return nil
		}
		if d == nil || header(r, headerHash) != d.record.PlanHash {
			v.report.add(Finding{Kind: FindingForeign, DC: dc, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Line: string(r.Key)})
			return nil
		}
		tallyOf(v.got, laneOf{dc, r.Topic, r.Partition}).add(r.Key, r.Value)
		return nil
	})
}

// withoutFiles reports whether a DC is published with that hash and its plan files were not given: there is
// nothing to compare its lines with.
func (v *verifier) withoutFiles(dc, hash string) bool {
	if !slices.Contains(v.report.Unchecked, dc) {
		d := v.book.dc(v.tenant, v.cycle, dc)
		if d == nil || d.Record != kindDC || d.PlanHash != hash {
			return false
		}
		v.report.Unchecked = append(v.report.Unchecked, dc)
		slices.Sort(v.report.Unchecked)
	}
	return true
}

func (v *verifier) ours(r *kgo.Record) bool {
	return header(r, headerCycle) == v.cycle && header(r, headerTenant) == v.tenant
}
