package planner

import (
	"strings"
	"testing"

	"echelon/inputs"
)

func TestLedgerFillsInWhatIsImplied(t *testing.T) {
	cases := []struct {
		need, quantity int64
		reasons        []Reason
		changes        []int64
		want           string
	}{
		{7, 8, nil, nil, "need+7 pack+1"},
		{8, 8, nil, nil, "need+8"},
		{0, 6, []Reason{ReasonOrderUpTo}, []int64{5}, "order_up_to+5 pack+1"},
		{4, 12, []Reason{ReasonMinOrder}, []int64{6}, "need+4 min_order+6 pack+2"},
		{6, 8, []Reason{ReasonLayer, ReasonShare}, []int64{4, -4}, "need+6 pack+2 layer+4 share-4"},
		{2, 0, []Reason{ReasonDeadBand}, []int64{-2}, "need+2 dead_band-2"},
		{6, 0, []Reason{ReasonShelfCap, ReasonSizeConflict}, []int64{-5, -3}, "need+6 pack+2 shelf_cap-5 size_conflict-3"},
	}
	for _, c := range cases {
		var codes []uint8
		for _, r := range c.reasons {
			codes = append(codes, uint8(r))
		}
		if got := LedgerText(FillLedger(c.need, c.quantity, codes, c.changes)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestMilliText(t *testing.T) {
	for v, want := range map[int64]string{0: "0.000", 7: "0.007", -1500: "-1.500", 12034: "12.034", NullInt: ""} {
		if got := MilliText(v); got != want {
			t.Errorf("%d: got %q, want %q", v, got, want)
		}
	}
}

// Every kind has its own words, with its numbers in them.
func TestExceptionTextOfEveryKind(t *testing.T) {
	n := &inputs.Network{}
	n.Items.ID, n.Nodes.ID, n.Lanes.ID = []string{"A"}, []string{"S1", "D1"}, []string{"L"}
	seen := map[string]bool{}
	for kind := range NumExceptions {
		var table Table
		table.reset(Exceptions)
		x := noException
		x.kind, x.severity = kind, High
		x.lane, x.source, x.order = 0, 1, "PO/1"
		x.day, x.first, x.due, x.needed, x.last = 20000, 20001, 20002, 20003, 20004
		x.days, x.units, x.wanted, x.given, x.minimum, x.cap, x.available = 3, 41, 42, 43, 44, 45, -46
		x.tiers = [4]int64{1, 0, 2, 0}
		table.appendException(0, 0, &x)
		text := ExceptionText(n, &table, 0)
		if seen[text] || !strings.HasPrefix(text, "A at S1") || strings.HasSuffix(text, kind.String()) {
			t.Errorf("%s: %q", kind, text)
		}
		seen[text] = true
		if kind == ExShort && !strings.Contains(text, "gets 43 of 42 units usable on 2024-10-04 from D1: 1 against running out, 2 of safety stock are missing") {
			t.Errorf("short: %q", text)
		}
	}
}

func TestReleaseIDsDoNotMeet(t *testing.T) {
	if got := ReleaseID("C1", "D1", StoreOrders, "A", 3); got != "C1/D1/store-orders/A/3" {
		t.Errorf("got %s", got)
	}
}
