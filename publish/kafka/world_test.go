package kafka

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish"
	"echelon/publish/disk"
	"echelon/publish/planfile"
)

// target is a cluster under test: kfake every day, a real broker where ECHELON_KAFKA names one.
type target struct {
	name    string
	brokers []string
	fake    *kfake.Cluster // nil: real
}

var tenants atomic.Int64

// tenant gives a tenant of its own to each test, so that tests share a real broker.
func tenant() string {
	return fmt.Sprintf("t%x-%d", time.Now().UnixNano()&0xffffffff, tenants.Add(1))
}

func fake(t testing.TB, opts ...kfake.Opt) target {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return target{name: "in-process", brokers: c.ListenAddrs(), fake: c}
}

// eachTarget runs a test on the in-process broker, or on the real one when TestReal calls it.
func eachTarget(t *testing.T, f func(t *testing.T, on target)) {
	t.Helper()
	if strings.HasPrefix(t.Name(), "TestReal/") {
		f(t, target{name: "real", brokers: strings.Split(os.Getenv(realEnv), ",")})
		return
	}
	f(t, fake(t))
}

// realEnv names the bootstrap addresses of a real broker.
const realEnv = "ECHELON_KAFKA"

// TestReal runs every test that needs no faults of the in-process broker on a real one.
func TestReal(t *testing.T) {
	if os.Getenv(realEnv) == "" {
		t.Skip(realEnv + " names no broker: set it to the bootstrap addresses of a real one")
	}
	for name, f := range map[string]func(*testing.T){
		"publish twice is once":       TestPublishTwiceIsOnce,
		"many DCs and closing":        TestManyDCsAtOnceAndClosing,
		"fenced by a second worker":   TestFencedByASecondWorker,
		"foreign transaction":         TestForeignTransactionInTheManifestPartition,
		"line too large":              TestLineTooLarge,
		"another hash":                TestAnotherHashIsRefused,
		"superseded":                  TestSupersededIsClosed,
		"too old for the topic":       TestTooOldForTheTopic,
		"verify":                      TestVerify,
		"recover":                     TestRecover,
		"parts":                       TestParts,
		"killed at each moment":       TestCrash,
		"topics plan and apply":       TestTopicsPlanAndApply,
		"ranges stay":                 TestRangesStay,
		"facts of the client library": TestFacts,
	} {
		t.Run(name, f)
	}
}

func (on target) config() Config {
	return Config{
		Brokers: on.brokers, CreateTopics: true, Topics: Topics{Partitions: 4, Replication: 1},
		SettleTimeout: 20 * time.Second, Linger: time.Millisecond,
	}
}

func open(t testing.TB, cfg Config) *Publisher {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// plan describes plan files to make.
type plan struct {
	tenant  string
	cycle   string
	dc      int // index among the DCs
	asOf    int64
	seed    uint64
	rows    int // of each layer
	counted []string
}

const epoch = int64(1_790_000_000_000_000)

var dcNames = []string{"D00", "D01", "D02"}

func testNetwork(tenant string) *inputs.Network {
	n := &inputs.Network{Tenant: tenant, Horizon: 28}
	for i := range 200 {
		n.Items.ID = append(n.Items.ID, fmt.Sprintf("item-%04d", i))
	}
	n.Nodes.ID = append(n.Nodes.ID, dcNames...)
	for i := range 37 {
		n.Nodes.ID = append(n.Nodes.ID, fmt.Sprintf("S%03d", i))
	}
	for i := range 60 {
		n.Lanes.ID = append(n.Lanes.ID, fmt.Sprintf("lane.%02d", i))
	}
	for i := range dcNames {
		n.DCs = append(n.DCs, inputs.NodeIdx(i))
	}
	return n
}

var testLayers = func() []string {
	var names []string
	for _, id := range publishedLayers() {
		names = append(names, planner.LayerOf(id).Name)
	}
	return names
}()

func (pl plan) need() publish.Need {
	return publish.Need{
		Tenant: pl.tenant, Layers: testLayers, DCs: dcNames, AllDCs: dcNames,
		SKUsOfDC: map[string]int64{"D00": 100, "D01": 300, "D02": 50},
	}
}

// make writes the plan files and opens them.
func (pl plan) make(t testing.TB) *planfile.DC {
	t.Helper()
	n := testNetwork(pl.tenant)
	r := rand.New(rand.NewPCG(pl.seed, 7))
	if pl.asOf == 0 {
		pl.asOf = epoch
	}
	dir := ""
	w := planfile.NewWriter(planfile.Options{
		FS: disk.OS{}, State: t.TempDir(), Network: n, Tenant: pl.tenant, Cycle: pl.cycle, AsOf: pl.asOf, Engine: "test",
		Facts: func(string) planfile.DCFacts {
			return planfile.DCFacts{GraceUntil: pl.asOf + 36*3600e6, Counted: pl.counted}
		},
		Done: func(_ context.Context, d string, _ *planfile.Manifest, _ *planner.DCResult) error {
			dir = d
			return nil
		},
	})
	ctx := t.Context()
	for _, id := range publishedLayers() {
		c := &planner.Chunk{DC: inputs.NodeIdx(pl.dc)}
		c.Tables[id] = randomTable(r, n, id, pl.rows)
		if err := w.Chunk(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %d", pl.cycle, pl.dc, pl.seed, pl.rows))
	res := &planner.DCResult{DC: inputs.NodeIdx(pl.dc), SKUs: 7, Planned: 7, PlanHash: hash}
	if err := w.Done(ctx, res); err != nil {
		t.Fatal(err)
	}
	dc, err := planfile.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dc
}

// randomTable fills every column of a layer; order lines are numbered within their item.
func randomTable(r *rand.Rand, n *inputs.Network, id planner.LayerID, rows int) *planner.Table {
	l := planner.LayerOf(id)
	t := &planner.Table{Layer: id, Rows: rows, Cols: make([]planner.Col, len(l.Columns))}
	var line, last int64
	for i := range l.Columns {
		c, d := &t.Cols[i], &l.Columns[i]
		for row := range rows {
			item := int32(row * len(n.Items.ID) / rows)
			switch d.Type {
			case planner.ColItem:
				c.I32 = append(c.I32, item)
			case planner.ColNode:
				c.I32 = append(c.I32, int32(len(dcNames))+r.Int32N(37))
			case planner.ColLane:
				c.I32 = append(c.I32, r.Int32N(60))
			case planner.ColDay:
				c.I32 = append(c.I32, 20700+r.Int32N(40))
			case planner.ColInt, planner.ColMilli:
				v := r.Int64N(2000)
				if d.Name == "line" {
					if line++; row == 0 || int64(item) != last {
						line, last = 1, int64(item)
					}
					v = line
				} else if d.Name != "quantity" && d.Name != "units" && r.IntN(9) == 0 {
					v = planner.NullInt
				}
				c.I64 = append(c.I64, v)
			case planner.ColBool:
				c.U8 = append(c.U8, uint8(r.IntN(2)))
			case planner.ColEnum:
				c.U8 = append(c.U8, uint8(r.IntN(len(d.Words))))
			case planner.ColText:
				c.Str = append(c.Str, []string{"", "PO1/2", `we"ird`, "é"}[r.IntN(4)])
			case planner.ColMilliList, planner.ColLedger:
				if row == 0 {
					c.Off = append(c.Off, 0)
				}
				for range r.IntN(4) {
					c.List = append(c.List, r.Int64N(1e6)-5e5)
					c.Reason = append(c.Reason, uint8(r.IntN(int(planner.NumReasons))))
				}
				c.Off = append(c.Off, uint32(len(c.List)))
			}
		}
	}
	return t
}

// line is a committed record of a layer topic.
type line struct {
	topic     string
	partition int32
	offset    int64
	key       string
	value     string
	dc        string
	cycle     string
}

// committed reads every committed record of a tenant's layer topics.
func committed(t testing.TB, on target, p *Publisher, tenant string) []line {
	t.Helper()
	var topics []string
	for _, l := range testLayers {
		topics = append(topics, p.cfg.Topics.Name(tenant, l))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stretches, err := p.wholeTopics(ctx, topics)
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	err = scan(ctx, p.conn, stretches, func(r *kgo.Record) error {
		lines = append(lines, line{r.Topic, r.Partition, r.Offset, string(r.Key), string(r.Value), header(r, headerDC), header(r, headerCycle)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// wantOnce fails unless the committed lines of a plan are those of its files, each once.
func wantOnce(t testing.TB, on target, p *Publisher, dc *planfile.DC) {
	t.Helper()
	got := make(map[string]int)
	for _, l := range committed(t, on, p, dc.Manifest.Tenant) {
		if l.dc == dc.Manifest.DC && l.cycle == dc.Manifest.Cycle {
			got[l.topic+" "+l.value]++
		}
	}
	want := make(map[string]int)
	head := fmt.Sprintf(`{"tenant":%q,"cycle":%q,"dc":%q,`, dc.Manifest.Tenant, dc.Manifest.Cycle, dc.Manifest.DC)
	for _, id := range publishedLayers() {
		rows, err := dc.Rows(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for g := range rows.Groups() {
			b, err := rows.Group(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			for r := range b.Rows {
				text := string(b.AppendJSON(nil, r))
				want[p.cfg.Topics.Name(dc.Manifest.Tenant, planner.LayerOf(id).Name)+" "+head+text[1:]]++
			}
		}
		_ = rows.Close()
	}
	for k, n := range want {
		if got[k] != n {
			t.Fatalf("%d times instead of %d: %s", got[k], n, k)
		}
	}
	for k := range got {
		if want[k] == 0 {
			t.Fatalf("not in the plan files: %s", k)
		}
	}
}

// wantNone fails when a committed line of the plan is there.
func wantNone(t testing.TB, on target, p *Publisher, dc *planfile.DC) {
	t.Helper()
	for _, l := range committed(t, on, p, dc.Manifest.Tenant) {
		if l.dc == dc.Manifest.DC && l.cycle == dc.Manifest.Cycle {
			t.Fatalf("visible, and should not be: %s", l.value)
		}
	}
}

func admin(t testing.TB, on target) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(on.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}
