package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"echelon/publish/cycle"
)

// netLine says in one line what a cycle planned again, and why; "" when nothing is known.
func netLine(n *cycle.NetChange) string {
	switch {
	case n == nil:
		return ""
	case n.Base == "" && n.Full != "":
		return "planned in full: " + n.Full
	}
	var why []string
	for _, cause := range slices.Sorted(maps.Keys(n.Why)) {
		why = append(why, fmt.Sprintf("%s %s", cause, thousands(n.Why[cause])))
	}
	over := ""
	if n.Base != "" {
		over = " over " + n.Base
	}
	line := fmt.Sprintf("planned again%s: %s of %s rows", over, thousands(n.Rows), thousands(n.Of))
	if len(why) > 0 {
		line += " (" + strings.Join(why, ", ") + ")"
	}
	return line
}
