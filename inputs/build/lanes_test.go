package build_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
	"echelon/inputs/build"
)

// lanesOf names the lanes of a row.
func lanesOf(t *testing.T, b *build.Built, item, node string) []string {
	t.Helper()
	p, row := sku(t, b, item, node)
	if p.LaneSet[row] == inputs.None {
		if p.Flags[row]&inputs.FlagNoLane == 0 {
			t.Errorf("%s at %s has no lanes and no flag", item, node)
		}
		return nil
	}
	var out []string
	for _, l := range b.Network.LaneSets[p.LaneSet[row]].Lanes {
		out = append(out, b.Network.Lanes.ID[l])
	}
	return out
}

func TestLanesOfASKU(t *testing.T) {
	w := plain().with("lanes", "lane source destination priority valid_from valid_to",
		"VD1 V D1 - - -", "VD2 V D2 - - -", "D1S1 D1 S1 2 - -", "D2S1 D2 S1 1 - -", "W1 W S1 0 - -", "D1S2 D1 S2 - - -").
		with("nodes", "node kind zone", "V vendor UTC", "W vendor UTC", "D1 dc UTC", "D2 dc UTC", "S1 store UTC",
			"S2 store UTC", "S3 store UTC").
		with("sourcing", "item lane priority valid_from", "B W1 5 2026-12-24", "B D1S1 7 -", "B D2S1 1 -")
	b := w.build(t, options())
	for _, c := range []struct {
		item, node string
		want       []string
	}{
		{"A", "S1", []string{"D2S1", "D1S1"}}, // W carries B only
		{"B", "S1", []string{"W1", "D1S1"}},   // D2 has no row of B, whatever sourcing says
		{"A", "S2", []string{"D1S2"}},
		{"A", "S3", nil},
	} {
		if diff := cmp.Diff(c.want, lanesOf(t, b, c.item, c.node)); diff != "" {
			t.Errorf("%s at %s: %s", c.item, c.node, diff)
		}
	}
	p, row := sku(t, b, "B", "S1")
	set := b.Network.LaneSets[p.LaneSet[row]]
	if from := b.Network.Classes[set.Class].Lanes[0].ValidFrom; from != day(t, "2026-12-24") {
		t.Errorf("W1 of B is valid from %s", from)
	}
	if len(b.Network.LotSets[p.LotSet[row]]) != 2 {
		t.Error("a lot for each lane")
	}
	// A at S3 has no lane: the store has no DC either.
	if p, _ := sku(t, b, "A", "S3"); p.DC != inputs.Direct {
		t.Errorf("A at S3 lies in partition %d", p.DC)
	}
	// Vendor W serves B at S1 only from December: until then D1 does.
	if b.Network.Nodes.ID[p.DC] != "D1" {
		t.Errorf("B at S1 lies at %s", b.Network.Nodes.ID[p.DC])
	}
}

func TestOverridesMakeAClassOfTheirOwn(t *testing.T) {
	w := plain().with("sourcing", "item lane prep_days transit_days", "A D1S1 2 3", "B D1S1 0 1")
	b := w.build(t, options())
	p, rowA := sku(t, b, "A", "S1")
	_, rowB := sku(t, b, "B", "S1")
	a := b.Network.Classes[b.Network.LaneSets[p.LaneSet[rowA]].Class].Lanes[0]
	if a.PrepDays != 2 || a.TransitDays != 3 {
		t.Errorf("A: %d days preparation, %d transit", a.PrepDays, a.TransitDays)
	}
	c := b.Network.Classes[b.Network.LaneSets[p.LaneSet[rowB]].Class].Lanes[0]
	if c.PrepDays != 0 || c.TransitDays != 1 {
		t.Errorf("B: %d days preparation, %d transit", c.PrepDays, c.TransitDays)
	}
}

func TestLaneCycles(t *testing.T) {
	w := world{
		"nodes": {"node kind zone", "V vendor UTC", "D1 dc UTC", "D2 dc UTC", "D3 dc UTC", "S1 store UTC"},
		"items": {"item", "A", "B"},
		"lanes": {
			"lane source destination priority",
			"12 D1 D2 1", "23 D2 D3 1", "31 D3 D1 1", "V1 V D1 2", "V2 V D2 0", "3S D3 S1 0",
		},
		"skus":     {"item node", "A D1", "A D2", "A D3", "A S1", "B D1", "B D2", "B D3"},
		"sourcing": {"item lane priority", "B V1 0", "B 31 1", "B 12 0", "B 23 0", "A 12 0", "A 23 0", "A 31 0"},
	}
	b := w.build(t, options())
	for _, node := range []string{"D1", "D2", "D3"} {
		p, row := sku(t, b, "A", node)
		if p.Flags[row]&inputs.FlagLaneCycle == 0 || p.Policy[row] != inputs.PolicyNone {
			t.Errorf("A at %s is on a cycle of primary lanes", node)
		}
	}
	if p, row := sku(t, b, "A", "S1"); p.Flags[row]&inputs.FlagLaneCycle != 0 {
		t.Error("A at S1 is not on the cycle")
	}
	// B: V → D1 → D2 → D3 are primary; D3 → D1 would close the cycle.
	if diff := cmp.Diff([]string{"V1"}, lanesOf(t, b, "B", "D1")); diff != "" {
		t.Errorf("lanes of B at D1: %s", diff)
	}
	if p, row := sku(t, b, "B", "D1"); p.Flags[row]&inputs.FlagLaneDropped == 0 {
		t.Error("B at D1 lost a lane")
	}
	names := func(sets [][]inputs.NodeIdx) (out [][]string) {
		for _, set := range sets {
			var ids []string
			for _, n := range set {
				ids = append(ids, b.Network.Nodes.ID[n])
			}
			out = append(out, ids)
		}
		return out
	}
	// Children ask before their parents: D3 orders from D2, D2 from D1.
	if diff := cmp.Diff([][]string{{"D3"}, {"D2"}, {"D1"}}, names(b.Network.Units)); diff != "" {
		t.Errorf("units: %s", diff)
	}
	if diff := cmp.Diff([][]string{nil, {"D1"}, {"D2"}}, names(b.Network.Parents)); diff != "" {
		t.Errorf("parents: %s", diff)
	}
}

func TestLinkedDCs(t *testing.T) {
	w := world{
		"nodes": {"node kind zone", "V vendor UTC", "D1 dc UTC", "D2 dc UTC", "D3 dc UTC", "S1 store UTC"},
		"items": {"item", "A"},
		"lanes": {
			"lane source destination priority valid_to",
			"V1 V D1 0 -", "V2 V D2 0 -", "V3 V D3 0 -", "1S D1 S1 0 2026-12-01", "2S D2 S1 1 -", "3S D3 S1 2 -",
		},
		"skus": {"item node", "A D1", "A D2", "A D3", "A S1"},
	}
	b := w.build(t, options())
	// S1 orders from D1 until 1 December, then from D2; D3 never is its lane.
	want := [][]inputs.NodeIdx{{0, 1}, {2}}
	if diff := cmp.Diff(want, b.Network.Units); diff != "" {
		t.Errorf("units: %s", diff)
	}
	if p, _ := sku(t, b, "A", "S1"); p.DC != 0 {
		t.Errorf("S1 is served by D1 today, not by %d", p.DC)
	}
}
