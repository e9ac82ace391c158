package cli

import (
	"fmt"
	"html"
	"strings"
)

// chart draws projected stock against the floor, one column of two characters a day.
func (e *explained) chart(height int) string {
	p := &e.Projection
	if len(p.OnHand) == 0 {
		return "  (not projected)\n"
	}
	var b strings.Builder
	top, bottom := e.bounds()
	span := top - bottom
	for row := height; row >= 1; row-- {
		lo := bottom + span*int64(row-1)/int64(height)
		hi := bottom + span*int64(row)/int64(height)
		label := ""
		if row == height {
			label = fmt.Sprint(top / 1000)
		}
		if row == 1 {
			label = fmt.Sprint(bottom / 1000)
		}
		fmt.Fprintf(&b, "%8s │", label)
		for t := range p.OnHand {
			v := p.OnHand[t]
			stock := v > 0 && lo < v && hi > 0 || v < 0 && hi > v && lo < 0
			floor := t < len(p.Floor) && p.Floor[t] > lo && p.Floor[t] <= hi
			switch {
			case stock && floor:
				b.WriteString("╋━")
			case stock:
				b.WriteString("█ ")
			case floor:
				b.WriteString("━━")
			default:
				b.WriteString("  ")
			}
		}
		b.WriteByte('\n')
	}
	b.WriteString("         └" + strings.Repeat("──", len(p.OnHand)) + "\n          ")
	for t := range p.OnHand {
		b.WriteString(e.marks(t))
	}
	b.WriteString("\n          ")
	for t := 0; t < len(p.OnHand); t += 7 {
		fmt.Fprintf(&b, "%-14s", (e.Day0 + calendarDays(t)).String())
	}
	b.WriteString("\n          █ stock at the day's end  ━ floor  + ordered goods usable  o open order usable  ! short\n")
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// marks names what happens on a day, in two characters.
func (e *explained) marks(t int) string {
	p := &e.Projection
	one, two := " ", " "
	switch {
	case p.Planned[t] > 0:
		one = "+"
	case p.Receipts[t] > 0:
		one = "o"
	}
	if p.Short[t] > 0 {
		two = "!"
	}
	return one + two
}

// bounds are the highest and the lowest value drawn, in thousandths, never equal.
func (e *explained) bounds() (top, bottom int64) {
	for t, v := range e.Projection.OnHand {
		top, bottom = max(top, v), min(bottom, v)
		if t < len(e.Projection.Floor) {
			top = max(top, e.Projection.Floor[t])
		}
	}
	return max(top, bottom+1000), bottom
}

// svg draws the same as a picture.
func (e *explained) svg() string {
	const width, height, left, under = 900, 320, 60, 60
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<title>%s at %s</title><rect width="%d" height="%d" fill="white"/>`+"\n", html.EscapeString(e.Item), html.EscapeString(e.Node), width, height)
	p := &e.Projection
	if len(p.OnHand) == 0 {
		b.WriteString(`<text x="60" y="40">not projected</text></svg>` + "\n")
		return b.String()
	}
	top, bottom := e.bounds()
	step := float64(width-left-20) / float64(len(p.OnHand))
	x := func(t int) float64 { return left + step*float64(t) }
	y := func(v int64) float64 {
		return float64(height-under) - float64(height-under-30)*float64(v-bottom)/float64(top-bottom)
	}
	for t, v := range p.OnHand {
		lo, hi := min(y(0), y(v)), max(y(0), y(v))
		colour := "#9ecae1"
		if p.Short[t] > 0 {
			colour = "#fb6a4a"
		}
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x(t), lo, step*0.8, hi-lo, colour)
		if p.Planned[t] > 0 {
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" fill="#238b45">+%d</text>`+"\n", x(t), height-under+15, p.Planned[t]/1000)
		}
		if p.Receipts[t] > 0 {
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" fill="#6a51a3">o%d</text>`+"\n", x(t), height-under+30, p.Receipts[t]/1000)
		}
		if t%7 == 0 {
			fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`+"\n", x(t), height-10, e.Day0+calendarDays(t))
		}
	}
	b.WriteString(`<polyline fill="none" stroke="#d94801" stroke-width="2" points="`)
	for t, v := range p.Floor {
		fmt.Fprintf(&b, "%.1f,%.1f %.1f,%.1f ", x(t), y(v), x(t+1), y(v))
	}
	b.WriteString(`"/>` + "\n")
	fmt.Fprintf(&b, `<text x="8" y="%.1f">%d</text><text x="8" y="%.1f">%d</text>`+"\n", y(top)+4, top/1000, y(bottom), bottom/1000)
	fmt.Fprintf(&b, `<text x="%d" y="16">%s at %s: stock (bars), floor (line), + ordered goods, o open orders, red: short</text>`+"\n", left,
		html.EscapeString(e.Item), html.EscapeString(e.Node))
	b.WriteString("</svg>\n")
	return b.String()
}

// html is the picture with the text under it, in one file.
func (e *explained) html() string {
	return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + html.EscapeString(e.Item+" at "+e.Node) +
		"</title></head>\n<body style=\"max-width:70em;margin:2em auto;font-family:sans-serif\">\n" + e.svg() +
		"<pre>" + html.EscapeString(e.text()) + "</pre>\n</body></html>\n"
}
