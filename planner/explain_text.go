package planner

import (
	"fmt"
	"strings"
)

// Text writes the explanation for people.
func (e *Explanation) Text() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("%s at %s, planned by %s from %s", e.Item, e.Node, e.DC, e.Day0)
	p("  position: %d on hand − %d unusable − %d reserved%s = %d available", e.Position.OnHand, e.Position.Unusable,
		e.Position.Reserved, backorderText(e), e.Position.Available)
	for _, s := range e.Settings {
		p("  %s: %s (%s)", s.Name, s.Value, orWord(s.Scope, "default"))
	}
	for _, r := range e.Receipts {
		p("  open order %s: %d units usable on %s%s", r.Order, r.Units, r.Day, receiptText(&r))
	}
	for _, r := range e.Promises {
		p("  promised %s: %d units to %s, picked on %s", r.Order, r.Units, r.Destination, r.Pick)
	}
	e.opportunitiesText(p)
	for i := range e.Nettings {
		e.nettingText(&e.Nettings[i], p)
	}
	for i := range e.Sharings {
		sharingText(&e.Sharings[i], p)
	}
	if e.CarryBefore != 0 || e.CarryAfter != 0 {
		p("  carry: %d before, %d after this cycle", e.CarryBefore, e.CarryAfter)
	}
	for _, x := range e.Exceptions {
		p("  ! %s", x)
	}
	return b.String()
}

func backorderText(e *Explanation) string {
	if e.Lost {
		return ""
	}
	return fmt.Sprintf(" − %d backorders", e.Position.Backorders)
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

func receiptText(r *ExplainedReceipt) string {
	switch {
	case r.Lapsed:
		return ", a release that was never confirmed: counts no more"
	case r.Overdue:
		return ", overdue since " + r.Due.String()
	case r.Forgot:
		return ", a release not confirmed yet"
	}
	return ""
}

func (e *Explanation) opportunitiesText(p func(string, ...any)) {
	legs := [...]string{"order", "pick", "departure", "arrival", "receiving"}
	for k := range e.Opportunities {
		o := &e.Opportunities[k]
		p("  opportunity %d on %s from %s: order %s, pick %s, depart %s, receive %s, usable %s, window to %s", k+1, o.Lane,
			o.Source, o.Order, o.Pick, o.Depart, o.Receive, o.Usable, o.WindowEnd)
		for i, why := range o.Moved {
			if why != "" {
				p("      %s moved by %s", legs[i], why)
			}
		}
		if len(o.Steps) == 0 {
			continue
		}
		state := "a request"
		switch {
		case o.Release:
			state = "released"
		case o.Promised:
			state = "promised"
		}
		p("      %d units in packs of %d, %s: %s; tiers %d/%d/%d/%d; %d days of supply", o.Quantity, o.Pack, state,
			LedgerText(o.Steps), o.Tiers[0], o.Tiers[1], o.Tiers[2], o.Tiers[3], o.DaysOfSupply)
	}
}

func (e *Explanation) nettingText(n *Netting, p func(string, ...any)) {
	p("  %s:", n.When)
	for i := range n.Windows {
		w := &n.Windows[i]
		if w.Held {
			p("    %d: keeps %d units", w.Opportunity+1, w.Wanted)
			continue
		}
		if w.Need == 0 && w.Asked == 0 {
			continue
		}
		p("    %d: balance %s, need %d (stock-out %d, presentation %d, safety %d), wants %d: %s", w.Opportunity+1,
			MilliText(w.Balance), w.Need, w.N1, w.N2, w.N3, w.Wanted, LedgerText(w.Steps))
	}
}

func sharingText(s *Sharing, p func(string, ...any)) {
	word := "shares"
	if s.Trial {
		word = "would share (trial)"
	}
	p("  %s %s what it picks from %s to %s, %d rounds:", s.DC, word, s.From, s.To, s.RoundsRun)
	for _, x := range s.Shares {
		p("    %s picked %s: %d of %d%s", x.Node, x.Pick, x.Given, x.Wanted, packsText(x.Packs))
	}
}

func packsText(list []PacksGiven) string {
	var b strings.Builder
	for _, x := range list {
		fmt.Fprintf(&b, "; %d packs of tier %d in round %d", x.Packs, x.Tier, x.Round)
	}
	return b.String()
}
