package policy

import (
	"strings"
	"testing"

	"echelon/planner"
)

func TestParse(t *testing.T) {
	f, err := Parse([]byte(`
horizon_days: 21
lines: all
projections: none
missing_position: zero
sharing: {rule: fill, ranks_before_tiers: true, reserve: safety_beyond, reserve_days: 3, window_days: 9}
orders: {expedited: true}
releases: {grace_hours: 48, order_feed: none}
layers: {workload: off, carry: on}
gates:
  inventory:
    quarantined: {refuse: 0.1, degrade: 0.02}
    rows: {degrade: 0.05}
  releases: {unconfirmed: {refuse: off}}
partitions: 24
partitioner: dc
topics: {vendor-orders: acme-purchase}
keep: 14d
defaults: {cover_days: 9}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := planner.Policy{
		HorizonDays: 21, Lines: planner.LinesAll, Projections: planner.ProjectionsNone, MissingZero: true, ShareRule: planner.ShareFill,
		RanksBeforeTiers: true, Reserve: planner.ReserveSafetyBeyond, ReserveDays: 3, WindowDays: 9, OrderExpedited: true, GraceHours: 48, OrderFeedNone: true,
	}
	want.LayersOff[planner.Workload] = true
	if f.Planner != want {
		t.Errorf("planner's part is\n%+v, want\n%+v", f.Planner, want)
	}
	gates := []Gate{
		{"inventory", "quarantined", 20, 100}, {"inventory", "rows", 50, 200}, {"releases", "unconfirmed", -1, -1},
	}
	if len(f.Gates) != len(gates) {
		t.Fatalf("gates %+v", f.Gates)
	}
	for i := range gates {
		if f.Gates[i] != gates[i] {
			t.Errorf("gate %d is %+v, want %+v", i, f.Gates[i], gates[i])
		}
	}
	if f.KeepDays != 14 || f.Partitions[""] != 24 || f.Partitioner[""] != "dc" || f.Topics["vendor-orders"] != "acme-purchase" || f.Defaults["cover_days"] != "9" {
		t.Errorf("rest is %+v", f)
	}
}

// TestFaults: every fault of the file is reported at once, an unknown word with the nearest known one.
func TestFaults(t *testing.T) {
	_, err := Parse([]byte(`
horizon_day: 28
lines: some
sharing: {rule: lottery}
lanes: {early: true}
layers: {projection: off}
gates: {inventroy: {quarantined: {refuse: 0.1}}, skus: {quarantined: {refuse: 2}, rows: {refuse: 0.12345}}}
defaults: {cover_day: 3}
releases: {grace_hours: 1.5}
`))
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, want := range []string{
		`unknown key "horizon_day"; nearest: horizon_days`, `lines: "some": want one of window, all`, `sharing.rule: "lottery"`,
		"lanes.early: is not there yet", `unknown layer "projection"; nearest: projections`, `unknown table "inventroy"; nearest: inventory`,
		`"2": want a share`, "at most three decimals", `no parameter "cover_day"; nearest: cover_days`, `releases.grace_hours: "1.5"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("faults lack %q:\n%v", want, err)
		}
	}
}

// TestHash: what decides the plan decides the hash; names of topics, partitions and keep do not.
func TestHash(t *testing.T) {
	hash := func(text string) string {
		t.Helper()
		f, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return f.Hash()
	}
	base := hash("lines: all\nhorizon_days: 28")
	if got := hash("horizon_days: 28\nlines: all\nkeep: 3d\npartitions: 4\ntopics: {carry: x}\npartitioner: dc"); got != base {
		t.Error("order of keys or names of topics changed the hash")
	}
	for _, other := range []string{"lines: all", "horizon_days: 28", "lines: all\nhorizon_days: 29", "lines: all\nhorizon_days: 28\ndefaults: {cover_days: 1}"} {
		if hash(other) == base {
			t.Errorf("%q has the hash of another policy", other)
		}
	}
}

// TestFromText: the text that a cycle keeps gives the same policy back.
func TestFromText(t *testing.T) {
	f, err := Parse([]byte("horizon_days: 21\nsharing: {rule: priority}\nlayers: {carry: off}\ndefaults: {pack: 6}\ngates: {skus: {rows: {refuse: off}}}"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromText(f.Text())
	if err != nil {
		t.Fatal(err)
	}
	if back.Planner != f.Planner || back.Hash() != f.Hash() || back.Text() != f.Text() || back.Defaults["pack"] != "6" || len(back.Gates) != 1 || back.Gates[0] != f.Gates[0] {
		t.Errorf("got %+v, want %+v", back, f)
	}
	if empty, err := FromText(""); err != nil || empty.Planner != planner.DefaultPolicy() {
		t.Errorf("the empty text is %+v, %v", empty, err)
	}
}
