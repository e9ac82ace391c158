package inputs

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	words := []string{"skus", "inventory", "items", "lanes", "nodes"}
	for _, x := range []struct {
		word, want string
		distance   int
	}{
		{"skus", "skus", 0},
		{"inventroy", "inventory", 2},
		{"item", "items", 1},
		{"knodes", "nodes", 1},
		{"lines", "lanes", 1},
		{"", "skus", 4},
		{"xanes", "lanes", 1},
		{"iodes", "nodes", 1},
		{"odes", "nodes", 1},
		{strings.Repeat("x", 1000), "skus", 64},
	} {
		if got, d := Nearest(x.word, words); got != x.want || d != x.distance {
			t.Errorf("%.20q: %s at %d, want %s at %d", x.word, got, d, x.want, x.distance)
		}
	}
	if got, d := Nearest("ab", []string{"ax", "ay"}); got != "ax" || d != 1 {
		t.Errorf("of two equally near words %s at %d came, want the first", got, d)
	}
	if got, d := Nearest("ab", nil); got != "" || d != 0 {
		t.Errorf("without words: %q at %d", got, d)
	}
}
