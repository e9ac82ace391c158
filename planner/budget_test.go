package planner

import "testing"

// Rows and what was asked stay within the limit together, whichever came first, and the largest unit always fits.
func TestBudget(t *testing.T) {
	b := newBudget(100, 60)
	for _, step := range []struct {
		name string
		done bool
		want bool
	}{
		{"a unit", b.load(60), true},
		{"a second one", b.load(41), false},
		{"what was asked, beside the rows", b.keep(30), true},
		{"more than the largest unit leaves", b.keep(11), false},
		{"a unit beside both", b.load(11), false},
		{"a small one", b.load(10), true},
		{"what was asked, the limit reached", b.keep(1), false},
	} {
		if step.done != step.want {
			t.Errorf("%s: %v", step.name, step.done)
		}
	}
	b.unload(70)
	if !b.load(60) {
		t.Error("the largest unit does not fit beside what was asked")
	}
	if b.drop(30); !b.load(40) {
		t.Error("what was dropped left no room")
	}
	open := newBudget(0, 1<<40)
	if !open.load(1<<50) || !open.keep(askedRoom) || open.keep(1) {
		t.Error("without a limit rows have none, and what was asked has its own")
	}
}
