package build_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
)

// full is the plain world with something in every table and conflicts whose outcome must not follow the order
// of rows.
func full() world {
	return plain().
		with("lanes", append(plain()["lanes"], "VS3 V S3 5 - -", "VS2 V S2 - 1 1", "D2S1 D2 S1 3 - -", "21 D2 D1 9 - 1", "12 D1 D2 9 - 1")...).
		with("calendar_days", "calendar date state why", "weekdays 2026-12-25 closed Christmas", "weekdays 2026-11-28 open market").
		with("sourcing", "item lane priority pack moq prep_days valid_to", "A D1S1 2 4 8 - -", "A D2S1 1 6 - 1 2026-12-01",
			"B VD1 - 10 - - -", "A VD1 - 3 - - -", "A VD2 - - - - -", "A 21 8 - - - -", "A 12 8 - - - -").
		with("parameters", "scope item category node group vendor name value", "tenant - - - - - dead_band 0.5",
			"group - - - north - moq 3", "item A - - - - round_up_tolerance 0.2", "vendor - - - - V safety_units 7").
		with("forecasts", "item node day demand from daily issued_at",
			"A S1 - - 2026-11-24 1;1;1;1 2026-11-20T00:00:00Z", "A S1 - - 2026-11-25 7;0 2026-11-21T00:00:00Z",
			"A S1 2026-11-25 9 - - 2026-11-21T00:00:00Z", "A S2 - - 2026-11-10 1;2;3;4;5;6;7;8;9;10;11;12;13;14 -",
			"B S1 - - 2026-11-24 100.5;70000.25 2026-11-20T00:00:00Z", "B S1 - - 2026-11-24 1;2;3 2026-11-21T00:00:00Z",
			"A S3 2026-11-24 5000000.5 - - -", "A S3 2026-11-26 1 - - -", "A D1 2026-12-30 1 - - -").
		with("lots", "item node expires quantity", "A S1 2026-12-01 5", "A S1 2026-11-26 2", "A S2 2026-11-20 1").
		with("safety_stocks", "item node from units", "A S1 2026-12-01 5", "A S1 2026-11-01 2", "B S1 2026-11-30 1").
		with("carry", "item node units", "A S1 9", "A D2 4", "B S1 0").
		with("open_orders",
			"order line item destination source lane ordered shipped ordered_on due_on status release_id",
			"P1 1 A S1 D1 D1S1 12 - 2026-11-24 2026-11-28 released R1", "P1 2 A S1 D1 D1S1 5 - 2026-11-24 2026-11-28 released R2",
			"P2 1 A S1 - D1S1 10 4 2026-11-20 2026-11-23 confirmed -", "P3 1 A D2 V VD2 60 - - 2026-11-25 shipped R7",
			"P4 1 A S2 - - 3 - - 2026-11-25 planned R5", "P5 1 B S3 V - 3 - - 2026-11-25 released R6").
		with("releases",
			"release_id item destination source lane quantity order_day pick_day receive_day cycle as_of grace_until",
			"R8 A S1 D1 D1S1 6 2026-11-23 2026-11-23 2026-11-25 c1 2026-11-23T02:00:00Z 2026-11-25T02:00:00Z",
			"R1 A S1 D1 D1S1 6 2026-11-23 2026-11-23 2026-11-25 c1 2026-11-23T02:00:00Z 2026-11-25T02:00:00Z")
}

func TestOrderOfRowsAndBatchesChangesNoByte(t *testing.T) {
	write := func(seed uint64) (*build.Built, string) {
		var dice *rand.Rand
		if seed > 0 {
			dice = rand.New(rand.NewPCG(seed, 1))
		}
		b, err := build.Snapshot(context.Background(), full().data(t, dice), options())
		if err != nil {
			t.Fatal(err)
		}
		m, err := store.Write(filepath.Join(t.TempDir(), "s"), b.Network, b.Partitions, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := m.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return b, digest
	}
	first, want := write(0)
	if n := len(first.Report.Faults); n != 0 {
		t.Fatalf("%d faults: %+v", n, first.Report.Faults[0])
	}
	for seed := uint64(1); seed <= 30; seed++ {
		b, digest := write(seed)
		if digest == want {
			continue
		}
		t.Errorf("seed %d: network %s", seed, cmp.Diff(first.Network, b.Network))
		t.Fatalf("seed %d: partitions %s", seed, cmp.Diff(first.Partitions, b.Partitions))
	}
}

// TestUnrelatedRowsChangeNoFact adds an item, a vendor, a DC and a store that nobody else has to do with.
func TestUnrelatedRowsChangeNoFact(t *testing.T) {
	w := full()
	more := w
	for table, lines := range map[string][]string{
		"nodes":     {"A0 vendor UTC 2 - - -", "D0 dc UTC 2 - - -", "S0 store Asia/Tokyo 3 weekdays - -"},
		"items":     {"0 other 7 - - -"},
		"lanes":     {"0 A0 D0 - 3 3", "00 D0 S0 - - 2"},
		"skus":      {"0 D0 - - -", "0 S0 - 9 -"},
		"inventory": {"0 D0 10 - -", "0 S0 1 - -"},
		"forecasts": {"0 S0 2026-11-24 70000000 - - -"},
	} {
		more = more.with(table, append(append([]string(nil), more[table]...), lines...)...)
	}
	before, after := w.build(t, options()), more.build(t, options())
	for _, cells := range w.rows("skus") {
		item, node := cells["item"], cells["node"]
		if diff := cmp.Diff(facts(t, before, item, node), facts(t, after, item, node)); diff != "" {
			t.Errorf("%s at %s: %s", item, node, diff)
		}
	}
}

// facts is a row without the indexes that other rows may move.
func facts(t *testing.T, b *build.Built, item, node string) []string {
	t.Helper()
	p, r := sku(t, b, item, node)
	net := b.Network
	out := []string{
		fmt.Sprint(p.Policy[r], p.Flags[r], p.OnHand[r], p.Reserved[r], p.SafetyUnits[r], p.Day0Left[r], p.Day0Of[r], p.SaleTo[r]),
		fmt.Sprint(demandOf(p, r), p.ForecastDays[r]), fmt.Sprintf("%v", p.Provenance(net, r)), fmt.Sprint(net.LotSets[p.LotSet[r]]),
		fmt.Sprint(lanesOf(t, b, item, node)),
	}
	if p.DC != inputs.Direct {
		out = append(out, net.Nodes.ID[p.DC])
	}
	lo, hi := inputs.Range(p.Inbound.Row, int32(r))
	for i := lo; i < hi; i++ {
		out = append(out, fmt.Sprint(p.Inbound.Day[i], p.Inbound.Qty[i], p.Inbound.Flags[i], p.Inbound.Ref[i]))
	}
	lo, hi = inputs.Range(p.Outbound.Row, int32(r))
	for i := lo; i < hi; i++ {
		out = append(out, fmt.Sprint(p.Outbound.Day[i], p.Outbound.Qty[i], net.Nodes.ID[p.Outbound.Dest[i]], p.Outbound.Ref[i]))
	}
	return out
}
