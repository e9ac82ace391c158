package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/publish"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// PublishDC implements publish.Publisher by the protocol of the package comment.
func (p *Publisher) PublishDC(ctx context.Context, dc *planfile.DC) (publish.Outcome, error) {
	m := dc.Manifest
	where := "dc " + m.DC + " of cycle " + m.Cycle
	if !tenantGrammar.MatchString(m.Tenant) || !idGrammar.MatchString(m.Cycle) || m.DC == "" {
		return publish.Outcome{}, outcome.New(outcome.CodeUsage, "bad_id", where,
			"tenants are [a-z][a-z0-9-]{1,30}, cycle ids letters, digits, dot, underscore, dash",
			"tenant %q, cycle %q, dc %q", m.Tenant, m.Cycle, m.DC)
	}
	var out publish.Outcome
	err := p.attempts(ctx, where, func(try int) (*attempt, error) {
		a := &attempt{p: p, dc: dc, m: m, book: p.book(m.Tenant)}
		var err error
		out, err = a.run(ctx)
		if try > 1 && out.Already {
			// The commit before got through and only its answer was lost.
			out.Already = false
		}
		return a, err
	})
	if err != nil {
		return publish.Outcome{}, err
	}
	return out, nil
}

// attempts runs one until it succeeds, makes it durable, and otherwise gives the classified error.
func (p *Publisher) attempts(ctx context.Context, where string, one func(try int) (*attempt, error)) error {
	var last error
	for try := 1; try <= p.cfg.Attempts; try++ {
		a, err := one(try)
		if err == nil {
			if p.cfg.Durable == nil {
				return nil
			}
			if err := p.cfg.Durable(); err != nil {
				return classify(fmt.Errorf("make durable: %w", err), outcome.CodeAgain, where)
			}
			return nil
		}
		last = err
		switch a.judge(err) {
		case final:
			return classify(err, outcome.CodeAgain, where)
		case fenced:
			return classify(err, outcome.CodeFenced, where)
		case startOver:
			p.cfg.Log.Warn("publishing starts over", "where", where, "try", try, "error", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return outcomeAgain(where, p.cfg.Attempts, last)
}

func outcomeAgain(where string, tries int, last error) error {
	hint := "nothing of it is visible; the plan files stay, run the same cycle again"
	if isAny(last, kerr.KafkaStorageError, kerr.UnknownServerError) { // what brokers answer when their log takes nothing
		hint = "the broker could not write its log: look there whether its disk is full or fails; " + hint
	}
	return &outcome.Error{
		Code: outcome.CodeAgain, Kind: "publish_failed", Where: where, Hint: hint,
		Err: fmt.Errorf("%d attempts: %w", tries, last),
	}
}

// attempt is one try at publishing a DC, with a producer of its own.
type attempt struct {
	p    *Publisher
	dc   *planfile.DC
	m    *planfile.Manifest
	book *manifests
	cl   *kgo.Client

	timeout time.Duration
	begun   time.Time // when the open transaction began
}

func (a *attempt) run(ctx context.Context) (out publish.Outcome, err error) {
	longest := a.p.longestTransaction(ctx)
	lim := a.p.cfg.limitsUnder(longest)
	var weight int64
	for _, t := range cut(a.m, nil, lim) {
		weight = max(weight, t.weight)
	}
	if err := a.fence(ctx, a.p.cfg.timeoutOf(weight, longest)); err != nil {
		return out, err
	}
	defer a.close(ctx, &err)
	a.p.cfg.At("fenced")
	if err := a.book.settle(ctx); err != nil {
		return out, err
	}
	there, done, err := a.look()
	if err != nil {
		return out, err
	}
	a.p.cfg.At("looked")
	if there != nil {
		return publish.Outcome{Already: true, Topics: topicsOf(there.Spans), At: there.at}, nil
	}
	if by := a.supersededBy(); by != "" {
		return out, a.supersede(ctx, by)
	}
	return a.write(ctx, lim, done)
}

// fence starts a producer: whoever held the transactional id before commits nothing any more.
func (a *attempt) fence(ctx context.Context, timeout time.Duration) error {
	opts, err := a.p.cfg.producer(a.p.transactionalID(a.m.Tenant, a.m.DC), timeout)
	if err != nil {
		return err
	}
	if a.cl, err = kgo.NewClient(opts...); err != nil {
		return fmt.Errorf("producer: %w", err)
	}
	a.timeout = timeout
	if _, _, err := a.cl.ProducerID(ctx); err != nil {
		a.cl.Close()
		return fmt.Errorf("start producer: %w", err)
	}
	return nil
}

// close ends an open transaction that failed and drops the client. When the outcome of a commit is not
// known, the client aborts by asking for its producer id anew, which undoes nothing that was committed; it
// does so only when it is asked for the id. A producer that was fenced is left alone: ending its transaction
// could fence the successor.
func (a *attempt) close(ctx context.Context, failure *error) {
	if *failure != nil && !a.begun.IsZero() && a.judge(*failure) != fenced {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = a.cl.AbortBufferedRecords(ctx)
		_ = a.cl.EndTransaction(ctx, kgo.TryAbort)
		_, _, _ = a.cl.ProducerID(ctx)
	}
	a.cl.Close()
}

func (a *attempt) judge(err error) verdict {
	return judge(err, !a.begun.IsZero() && time.Since(a.begun) >= a.timeout)
}

// look finds what is out already: the DC's record with the same hash, else the row groups that parts carry.
func (a *attempt) look() (there *storedDC, done []*storedPart, err error) {
	m := a.m
	where := "dc " + m.DC + " of cycle " + m.Cycle
	if d := a.book.dc(m.Tenant, m.Cycle, m.DC); d != nil {
		switch {
		case d.PlanHash != m.PlanHash:
			return nil, nil, differs(where, d.PlanHash, m.PlanHash)
		case d.Record == kindSuperseded:
			return nil, nil, superseded(where, d.By)
		}
		return d, nil, nil
	}
	if part := a.book.foreignPart(m); part != nil {
		return nil, nil, differs(where, cutFrom(part.PlanHash, part.Base), cutFrom(m.PlanHash, baseOf(m)))
	}
	if a.book.trimmed() {
		all := a.book.dcs(m.Tenant)
		if len(all) == 0 || m.AsOf.Before(all[0].AsOf) {
			return nil, nil, outcome.New(outcome.CodeUsage, "cycle_too_old", where,
				"plan a new cycle; this one can no longer be told from one that is out",
				"topic %s has lost its beginning and keeps nothing as old", a.book.topic)
		}
	}
	return nil, a.book.parts(m), nil
}

// baseOf names the base of a net change, "" for a full plan.
func baseOf(m *planfile.Manifest) string {
	if m.Base == nil {
		return ""
	}
	return m.Base.Cycle
}

// cutFrom names the plan files that a part was cut from.
func cutFrom(hash, base string) string {
	if base == "" {
		return hash
	}
	return hash + " over cycle " + base
}

func differs(where, there, ours string) error {
	return outcome.New(outcome.CodeUsage, "plan_differs", where,
		"publish under another cycle id; what is out is never replaced",
		"published with plan hash %s, the plan files have %s", there, ours)
}

func superseded(where, by string) error {
	return &outcome.Error{
		Code: outcome.CodeCarried, Kind: "superseded", Where: where,
		Hint: "nothing to do: publishing it now would order twice",
		Err:  fmt.Errorf("cycle %s was planned without its releases: %w", by, ErrSuperseded),
	}
}

// supersededBy gives the first later cycle of the DC that was published and planned without this one's
// releases, "" when there is none.
func (a *attempt) supersededBy() string {
	for _, d := range a.book.dcs(a.m.Tenant) {
		later := d.AsOf.After(a.m.AsOf) || d.AsOf.Equal(a.m.AsOf) && d.Cycle > a.m.Cycle
		if d.DC == a.m.DC && d.Record == kindDC && later && !contains(d.Counted, a.m.Cycle) {
			return d.Cycle
		}
	}
	return ""
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// supersede closes the (cycle, DC) in the manifest topic and gives the error that says so.
func (a *attempt) supersede(ctx context.Context, by string) error {
	d := &dcRecord{Record: kindSuperseded, Manifest: *a.m, SchemaVersion: SchemaVersion, By: by}
	key := dcKey(a.m.Tenant, a.m.Cycle, a.m.DC)
	if err := a.transact(ctx, nil, func() ([]keyed, error) { return []keyed{{key, d}}, nil }); err != nil {
		return err
	}
	return superseded("dc "+a.m.DC+" of cycle "+a.m.Cycle, by)
}

// write publishes what is not out yet: in one transaction, or in parts with the DC's record last.
func (a *attempt) write(ctx context.Context, lim limits, done []*storedPart) (out publish.Outcome, err error) {
	routes, err := a.p.routes(ctx, a.m, a.book.ranges(a.m.Tenant))
	if err != nil {
		return out, err
	}
	record := &dcRecord{Record: kindDC, Manifest: *a.m, SchemaVersion: SchemaVersion, Parts: 1, Routes: routes}
	key := dcKey(a.m.Tenant, a.m.Cycle, a.m.DC)
	var pieces []piece
	for _, d := range done {
		pieces = append(pieces, d.Pieces...)
		record.Spans = append(record.Spans, d.Spans...)
	}
	todo := cut(a.m, pieces, lim)
	groups, err := groupsOf(ctx, a.dc)
	if err != nil {
		return out, err
	}
	finish := func() []keyed {
		record.Sums = sumsOf(record.Spans)
		return append(groups, keyed{key, record})
	}
	if len(done) == 0 && len(todo) <= 1 {
		var all []piece
		if len(todo) == 1 {
			all = todo[0].pieces
		}
		err = a.lines(ctx, all, routes, func(spans []span) []keyed {
			record.Spans = spans
			return finish()
		})
	} else {
		n := 0
		if len(done) > 0 {
			n = done[len(done)-1].Part
		}
		for _, t := range todo {
			n++
			err = a.lines(ctx, t.pieces, routes, func(spans []span) []keyed {
				part := &partRecord{
					Record: kindPart, Tenant: a.m.Tenant, Cycle: a.m.Cycle, DC: a.m.DC,
					PlanHash: a.m.PlanHash, Base: baseOf(a.m), Part: n, Pieces: t.pieces, Spans: spans,
				}
				record.Spans = append(record.Spans, spans...)
				return []keyed{{partKey(a.m.Tenant, a.m.Cycle, a.m.DC, n), part}}
			})
			if err != nil {
				return out, err
			}
			if a.p.cfg.OnPart != nil {
				a.p.cfg.OnPart(a.m.DC, n, t.lines)
			}
		}
		record.Parts = len(done) + len(todo)
		err = a.transact(ctx, nil, func() ([]keyed, error) { return finish(), nil })
	}
	if err != nil {
		return out, err
	}
	return publish.Outcome{Topics: topicsOf(record.Spans), Parts: record.Parts, At: time.Now()}, nil
}

// lines writes row groups and the records made of their spans in one transaction.
func (a *attempt) lines(ctx context.Context, pieces []piece, routes []route, records func([]span) []keyed) error {
	layers := make(map[string]*layerWriter, len(routes))
	order := make([]*layerWriter, 0, len(routes))
	for _, r := range routes {
		l, err := newLayerWriter(a.m, r, encoderOf(a.m, r))
		if err != nil {
			return err
		}
		layers[r.Layer] = l
		order = append(order, l)
	}
	w := newWriter(a.cl, a.p.cfg.BufferedRecords)
	write := func() error {
		err := w.pieces(ctx, a.dc, pieces, layers)
		if e := w.wait(ctx); e != nil && (err == nil || w.failed.Load()) {
			err = e
		}
		return err
	}
	return a.transact(ctx, write, func() ([]keyed, error) {
		var spans []span
		for _, l := range order {
			spans = append(spans, l.filled()...)
		}
		return records(spans), nil
	})
}

// keyed is a record of the manifest topic before it is encoded.
type keyed struct {
	key   string
	value any
}

// transact is one transaction: lines (nil: none), then the manifest records, then the commit.
func (a *attempt) transact(ctx context.Context, lines func() error, records func() ([]keyed, error)) error {
	if err := a.cl.BeginTransaction(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	a.begun = time.Now()
	if lines != nil {
		if err := lines(); err != nil {
			return err
		}
	}
	a.p.cfg.At("lines")
	all, err := records()
	if err != nil {
		return err
	}
	counts, err := a.p.partitions(ctx, []string{a.book.topic})
	if err != nil {
		return err
	}
	for _, k := range all {
		raw, err := json.Marshal(k.value)
		if err != nil {
			return fmt.Errorf("manifest record %s: %w", k.key, err)
		}
		r := &kgo.Record{
			Topic: a.book.topic, Partition: partitionOf([]byte(k.key), counts[a.book.topic]),
			Key: []byte(k.key), Value: raw, Headers: headersOf(a.m),
		}
		if err := a.cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			return fmt.Errorf("manifest record %s: %w", k.key, err)
		}
	}
	a.p.cfg.At("manifest")
	if err := ctx.Err(); err != nil {
		return err
	}
	// From here the outcome is decided by the broker; the caller's patience must not leave it unknown.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.timeout)
	defer cancel()
	if err := a.cl.EndTransaction(end, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	a.begun = time.Time{}
	a.p.cfg.At("committed")
	return nil
}
