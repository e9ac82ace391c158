package inputs_test

import (
	"testing"

	"echelon/inputs"
)

// night is tables that pass every gate, with one of them replaced.
func night(changed inputs.TableState) []inputs.TableState {
	var out []inputs.TableState
	for _, c := range inputs.Contracts() {
		s := inputs.TableState{Table: c.Table}
		if c.Required {
			s.Now, s.Last = inputs.Counts{Read: 1000, Applied: 1000}, 1000
		}
		if c.Table == changed.Table {
			s = changed
		}
		out = append(out, s)
	}
	return out
}

func TestGates(t *testing.T) {
	state := func(table string, read, quarantined, last int64) inputs.TableState {
		return inputs.TableState{
			Table: table, Now: inputs.Counts{Read: read, Applied: read - quarantined, Quarantined: quarantined}, Last: last,
		}
	}
	for _, c := range []struct {
		name       string
		table      inputs.TableState
		thresholds []inputs.Threshold
		kind       string
		refused    bool
	}{
		{"all as usual", state("skus", 1000, 0, 1000), nil, "", false},
		{"required table empty", state("inventory", 0, 0, 1000), nil, "required_table_empty", true},
		{"optional table empty, and always was", state("lots", 0, 0, 0), nil, "", false},
		{"optional table gone", state("lots", 0, 0, 10), nil, "rows_missing", true},
		{"5 % quarantined", state("skus", 1000, 50, 950), nil, "", false},
		{"over 5 % quarantined", state("skus", 1000, 51, 900), nil, "quarantined", true},
		{"20 % fewer rows", state("inventory", 800, 0, 1000), nil, "", false},
		{"more than 20 % fewer rows", state("inventory", 799, 0, 1000), nil, "rows_missing", true},
		{"more rows", state("inventory", 5000, 0, 1000), nil, "", false},
		{"first cycle", state("inventory", 5, 0, 0), nil, "", false},
		{
			"the policy lets it pass", state("inventory", 500, 0, 1000),
			[]inputs.Threshold{{Table: "inventory", Measure: inputs.MeasureRows, Refuse: inputs.Never()}},
			"", false,
		},
		{
			"the policy degrades, refusing stays", state("inventory", 900, 0, 1000),
			[]inputs.Threshold{{Table: "inventory", Measure: inputs.MeasureRows, Degrade: inputs.At(50)}},
			"rows_missing", false,
		},
		{
			"degrade alone does not lift the refusal", state("inventory", 700, 0, 1000),
			[]inputs.Threshold{{Table: "inventory", Measure: inputs.MeasureRows, Degrade: inputs.At(50)}},
			"rows_missing", true,
		},
		{"a limit for all, beaten by the table's", state("skus", 1000, 30, 970), []inputs.Threshold{
			{Measure: inputs.MeasureQuarantined, Refuse: inputs.At(10)},
			{Table: "skus", Measure: inputs.MeasureQuarantined, Refuse: inputs.At(40)},
		}, "", false},
		{
			"no faults at a limit of 0", state("skus", 1000, 0, 1000),
			[]inputs.Threshold{{Measure: inputs.MeasureQuarantined, Refuse: inputs.At(0)}},
			"", false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := inputs.Judge(night(c.table), c.thresholds)
			if c.kind == "" {
				if len(got) != 0 {
					t.Errorf("verdicts %+v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Kind != c.kind || got[0].Refused != c.refused || got[0].Where != c.table.Table || got[0].Hint == "" {
				t.Errorf("verdicts %+v, want %s, refused %v", got, c.kind, c.refused)
			}
		})
	}
}

func TestGateOfReleases(t *testing.T) {
	for _, c := range []struct {
		grace  inputs.Grace
		closed bool
	}{
		{inputs.Grace{}, false},
		{inputs.Grace{Ending: 4, Unnamed: 2}, false},
		{inputs.Grace{Ending: 4, Unnamed: 3}, true},
		{inputs.Grace{Ending: 1, Unnamed: 1}, true},
	} {
		v, closed := inputs.JudgeReleases("D1", c.grace, nil)
		if closed != c.closed || closed != c.grace.Unconfirmed() || (closed && (!v.Refused || v.Where != "D1")) {
			t.Errorf("%+v: %+v, closed %v", c.grace, v, closed)
		}
	}
	pass := []inputs.Threshold{{Table: "releases", Measure: inputs.MeasureUnconfirmed, Refuse: inputs.Never()}}
	if _, closed := inputs.JudgeReleases("D1", inputs.Grace{Ending: 1, Unnamed: 1}, pass); closed {
		t.Error("the policy lets it pass")
	}
}
