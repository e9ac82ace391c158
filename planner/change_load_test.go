package planner

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"echelon/inputs"
)

// TestSeekLoad: the place of a row in a workload is that of a search from the first row on.
func TestSeekLoad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() loadRow {
			return loadRow{
				node: inputs.NodeIdx(rapid.IntRange(0, 3).Draw(t, "node")), day: int32(rapid.IntRange(-2, 3).Draw(t, "day")),
				kind: uint8(rapid.IntRange(0, 1).Draw(t, "kind")), other: inputs.NodeIdx(rapid.IntRange(0, 2).Draw(t, "other")),
				cell: loadCell{lines: 1},
			}
		}
		rows := make([]loadRow, rapid.IntRange(0, 40).Draw(t, "rows"))
		for i := range rows {
			rows[i] = draw()
		}
		slices.SortFunc(rows, func(a, b loadRow) int { return compareLoad(&a, &b) })
		var had Table
		had.reset(Workload)
		for i := range rows {
			had.appendLoad(&rows[i])
		}
		m := draw()
		want := 0
		for want < len(rows) && compareLoad(&rows[want], &m) < 0 {
			want++
		}
		from := rapid.IntRange(0, want).Draw(t, "from")
		if got := had.seekLoad(from, &m); got != want {
			t.Fatalf("row %d from %d on, want %d of %d", got, from, want, len(rows))
		}
	})
}
