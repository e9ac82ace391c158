package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// grid is rows of text under headers, written as a table for people or as CSV or JSON for programs.
type grid struct {
	head  []string
	right []bool // numbers stand right
	rows  [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// text writes aligned columns.
func (g *grid) text(w io.Writer) error {
	widths := make([]int, len(g.head))
	for i, h := range g.head {
		widths[i] = len([]rune(h))
	}
	for _, r := range g.rows {
		for i, c := range r {
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range append([][]string{g.head}, g.rows...) {
		cells := make([]string, len(r))
		for i, c := range r {
			if i < len(g.right) && g.right[i] {
				c = strings.Repeat(" ", widths[i]-len([]rune(c))) + c
			}
			cells[i] = c
		}
		if _, err := fmt.Fprintln(tw, strings.TrimRight(strings.Join(cells, "\t"), "\t ")); err != nil {
			return err
		}
	}
	return tw.Flush()
}

func (g *grid) csv(w io.Writer) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(g.head); err != nil {
		return err
	}
	return cw.WriteAll(g.rows)
}

// jsonLine writes one value as one line.
func jsonLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// thousands groups digits: 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var parts []string
	for len(s) > 3 {
		parts = append([]string{s[len(s)-3:]}, parts...)
		s = s[:len(s)-3]
	}
	return sign + strings.Join(append([]string{s}, parts...), ",")
}
