package cli

import (
	"fmt"
	"strings"

	"echelon/inputs"
	"echelon/planner"
)

// text is the explanation for a terminal.
func (e *explained) text() string {
	var b strings.Builder
	e.title(&b)
	e.answer(&b)
	e.position(&b)
	e.settings(&b)
	b.WriteString("\nprojected stock with all orders of the plan (│ a day)\n")
	b.WriteString(e.chart(10))
	e.opportunities(&b)
	e.lines(&b)
	e.nettings(&b)
	e.sharing(&b)
	e.alternatives(&b)
	if len(e.Exceptions) > 0 {
		fmt.Fprintf(&b, "\nexceptions\n  %s\n", strings.Join(e.Exceptions, "\n  "))
	}
	return b.String()
}

func (e *explained) title(b *strings.Builder) {
	name := ""
	if e.name != "" {
		name = " (" + e.name + ")"
	}
	fmt.Fprintf(b, "%s%s at %s, in the plan of %s · cycle %s, as-of %s\n", e.Item, name, e.Node, e.DC, e.cycle.Cycle, instantText(e.cycle.AsOf))
	unmet := "unmet demand is backordered"
	if e.Lost {
		unmet = "unmet demand is lost"
	}
	fmt.Fprintf(b, "policy %s · %s\n", e.Policy, unmet)
}

// answer says in a sentence or two what is ordered today and why.
func (e *explained) answer(b *strings.Builder) {
	b.WriteByte('\n')
	switch {
	case e.Held:
		b.WriteString("It is held: there is no inventory row, so nothing is planned for it (an unknown stock is not stock 0).\n")
		return
	case !e.Orders:
		b.WriteString("It orders nothing: its policy is none, or it has no lane that can be ordered inside the horizon. It is only projected.\n")
		return
	}
	today := false
	for i := range e.Opportunities {
		o := &e.Opportunities[i]
		if o.Order != e.today() || o.Wanted == 0 && o.Need == 0 {
			continue
		}
		today = true
		e.because(b, o)
	}
	if today {
		return
	}
	for i := range e.Opportunities {
		if o := &e.Opportunities[i]; o.Quantity > 0 {
			fmt.Fprintf(b, "Nothing is ordered today. The next order is %s on %s, usable %s.\n", packs(o.Quantity, o.Pack), o.Order, o.Usable)
			return
		}
	}
	b.WriteString("Nothing is ordered: in every window stock and receipts keep the floor.\n")
}

// because answers "why this many?" for one order.
func (e *explained) because(b *strings.Builder, o *planner.ExplainedOpportunity) {
	verb := "are ordered"
	if o.Quantity > 0 && !o.Promised {
		verb = "are asked for (a request: its source has not promised it)"
	}
	if o.Quantity == 1 {
		verb = strings.Replace(verb, "are", "is", 1)
	}
	fmt.Fprintf(b, "Today %s %s from %s on lane %s.\n", packs(o.Quantity, o.Pack), verb, o.Source, o.Lane)
	fmt.Fprintf(b, "Ordered now it is usable on %s and must last to %s, the day before a later order can be used.\n", o.Usable, o.WindowEnd)
	fmt.Fprintf(b, "In those days %s missing to keep the floor%s.\n", are(o.Need), e.tiersOf(o))
	if len(o.Steps) > 0 {
		fmt.Fprintf(b, "So: %s.\n", steps(o.Steps))
	}
}

func are(n int64) string {
	if n == 1 {
		return "1 unit is"
	}
	return thousands(n) + " units are"
}

// tiersOf says what the quantity prevents.
func (e *explained) tiersOf(o *planner.ExplainedOpportunity) string {
	if o.Quantity == 0 {
		return ""
	}
	words := [4]string{"against a stock-out", "for the shelf's presentation", "for safety stock", "for cover and full packs"}
	var parts []string
	for i, n := range o.Tiers {
		if n > 0 {
			parts = append(parts, thousands(n)+" "+words[i])
		}
	}
	return " (of the quantity, " + strings.Join(parts, ", ") + ")"
}

// reasonWords say each ledger step to a planner.
var reasonWords = map[planner.Reason]string{
	planner.ReasonNeed: "the need", planner.ReasonOrderUpTo: "up to the maximum (min-max)", planner.ReasonCoverDays: "to cover its days",
	planner.ReasonMinOrder: "up to the minimum order", planner.ReasonPack: "up to full packs", planner.ReasonLayer: "up to a full layer",
	planner.ReasonPallet: "up to a full pallet", planner.ReasonDeadBand: "too small to order (dead band)",
	planner.ReasonExpediteInstead: "an open order cures it: expedite that one", planner.ReasonSizeConflict: "a cap leaves less than the minimum",
	planner.ReasonShelfCap: "the shelf holds no more", planner.ReasonShelfLife: "it would expire before it is sold",
	planner.ReasonSeasonEnd: "the season ends", planner.ReasonShare: "its source had too little",
}

// steps writes a ledger in words: "17 the need, +7 up to full packs, −12 its source had too little = 12".
func steps(list []planner.Step) string {
	var parts []string
	var sum int64
	for i, s := range list {
		sum += s.Change
		sign := "+"
		if s.Change < 0 {
			sign = "−"
		}
		if i == 0 && s.Change >= 0 {
			sign = ""
		}
		parts = append(parts, fmt.Sprintf("%s%s %s", sign, thousands(max(s.Change, -s.Change)), reasonWords[s.Reason]))
	}
	return strings.Join(parts, ", ") + " = " + thousands(sum)
}

// packsGiven says of every pack of an order what it is for and when it was given: "packs 1–2 tier 1 (stock-out), pack 3
// tier 3 (safety stock) given when its source first shared; pack 4 tier 3 (safety stock) given in round 1, from what was left".
func packsGiven(o *planner.ExplainedOpportunity) string {
	names := [5]string{"promised before", "tier 1 (stock-out)", "tier 2 (shelf)", "tier 3 (safety stock)", "tier 4 (cover, full packs)"}
	var b strings.Builder
	at := int64(0)
	for i, p := range o.Packs {
		if i > 0 && p.Round == o.Packs[i-1].Round {
			b.WriteString(", ")
		} else if i > 0 {
			b.WriteString(" " + given(o, o.Packs[i-1].Round) + "; ")
		}
		if p.Packs == 1 {
			fmt.Fprintf(&b, "pack %s ", thousands(at+1))
		} else {
			fmt.Fprintf(&b, "packs %s–%s ", thousands(at+1), thousands(at+p.Packs))
		}
		b.WriteString(names[p.Tier])
		at += p.Packs
	}
	return b.String() + " " + given(o, o.Packs[len(o.Packs)-1].Round)
}

// given says when packs were given.
func given(o *planner.ExplainedOpportunity, round int) string {
	switch {
	case !o.Promised:
		return "not promised yet"
	case !o.Shared:
		return "given as wanted, nothing had to be shared"
	case round == 0:
		return "given when its source first shared"
	}
	return fmt.Sprintf("given in round %d, from what was left", round)
}

// packsShort says it in a table: "2 tier 1, 1 tier 4 (round 2)".
func packsShort(list []planner.PacksGiven) string {
	var parts []string
	for _, p := range list {
		text := fmt.Sprintf("%s tier %d", thousands(p.Packs), p.Tier)
		if p.Tier == 0 {
			text = thousands(p.Packs) + " promised"
		}
		if p.Round > 0 {
			text += fmt.Sprintf(" (round %d)", p.Round)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// packs writes units and packs: "24 units (2 packs of 12)".
func packs(units, pack int64) string {
	if pack <= 1 || units%pack != 0 || units == 0 {
		if units == 1 {
			return "1 unit"
		}
		return thousands(units) + " units"
	}
	if units == pack {
		return fmt.Sprintf("%s units (1 pack)", thousands(units))
	}
	return fmt.Sprintf("%s units (%s packs of %s)", thousands(units), thousands(units/pack), thousands(pack))
}

func (e *explained) position(b *strings.Builder) {
	p := e.Position
	fmt.Fprintf(b, "\nposition: on hand %s", thousands(p.OnHand))
	for _, x := range []struct {
		n    int64
		what string
	}{{p.Unusable, "unusable"}, {p.Reserved, "reserved"}, {p.Backorders, "backorders"}} {
		if x.n != 0 {
			fmt.Fprintf(b, " − %s %s", x.what, thousands(x.n))
		}
	}
	fmt.Fprintf(b, " = %s available\n", thousands(p.Available))
	for _, r := range e.Receipts {
		what := "open order " + r.Order
		if r.Forgot {
			what = "release " + r.Order + ", which no open order names yet"
		}
		note := ""
		switch {
		case r.Lapsed:
			note = " · its grace is over: it counts no more"
		case r.Overdue:
			note = fmt.Sprintf(" · was due %s: counts as if due today", r.Due)
		case r.Due != r.Day:
			note = fmt.Sprintf(" · at the dock %s", r.Due)
		}
		fmt.Fprintf(b, "  + %s on %s: %s%s\n", thousands(r.Units), r.Day, what, note)
	}
	for _, p := range e.Promises {
		fmt.Fprintf(b, "  − %s on %s: promised to %s (%s)\n", thousands(p.Units), p.Pick, p.Destination, p.Order)
	}
	if e.CarryBefore != 0 || e.CarryAfter != 0 {
		fmt.Fprintf(b, "  carry (wanted and not given so far): %s before, %s after this cycle\n", thousands(e.CarryBefore), thousands(e.CarryAfter))
	}
	if len(e.Demand) > 0 {
		var all int64
		for _, d := range e.Demand {
			all += d
		}
		fmt.Fprintf(b, "demand: %s in %d days; the first seven: %s\n", inputs.FormatMilli(all), len(e.Demand), millis(e.Demand[:min(7, len(e.Demand))]))
		fmt.Fprintf(b, "floor:  the first seven days: %s\n", millis(e.Floor[:min(7, len(e.Floor))]))
	}
	for tier, list := range e.Children {
		if n := total(list); n > 0 {
			fmt.Fprintf(b, "  of the demand, children's orders of tier %d: %s\n", tier+1, units(n))
		}
	}
}

func millis(list []int64) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = inputs.FormatMilli(v)
	}
	return strings.Join(words, "  ")
}

func total(list []int64) (n int64) {
	for _, v := range list {
		n += v
	}
	return n
}

// settings lists the parameters that are not at their defaults, with the scope that set them.
func (e *explained) settings(b *strings.Builder) {
	var parts []string
	for _, s := range e.Settings {
		value := s.Value
		if strings.Contains(value, ".") { // thousandths
			value = strings.TrimRight(strings.TrimRight(value, "0"), ".")
		}
		if value == "" || value == "0" {
			continue
		}
		scope := ""
		if s.Scope != "" {
			scope = " (" + s.Scope + ")"
		}
		parts = append(parts, s.Name+" "+value+scope)
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "settings: %s\n", strings.Join(parts, " · "))
	}
}
