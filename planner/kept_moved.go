package planner

// Moved says per item what of its facts differs between two plans of a DC: the first cause that holds. Items whose
// facts are the same in both are left out.
func Moved(was, now *Kept) map[string]Cause {
	out := map[string]Cause{}
	for i, id := range now.Items {
		k := was.find(id)
		if k < 0 {
			out[id] = CauseSKU
			continue
		}
		if cause, differs := was.cells[k].against(&now.cells[i]); differs {
			out[id] = cause
		}
	}
	for _, id := range was.Items {
		if now.find(id) < 0 {
			out[id] = CauseSKU
		}
	}
	return out
}

// against gives the first cause for which two records differ.
func (c *keptCell) against(o *keptCell) (Cause, bool) {
	if c.facts.rows != o.facts.rows {
		return CauseSKU, true
	}
	if c.facts.sum != o.facts.sum {
		return movedPart(&c.facts, &o.facts), true
	}
	switch {
	case c.requests != o.requests:
		return CauseRequests, true
	case c.answers != o.answers:
		return CauseAnswers, true
	}
	return 0, false
}

// movedPart says which kind of fact differs.
func movedPart(a, b *printCell) Cause {
	for _, k := range [...]struct {
		part cause
		why  Cause
	}{{ofDate, CauseDate}, {ofLanes, CauseLanes}, {ofReleases, CauseReleases}, {ofCarry, CauseCarry}} {
		if a.part[k.part] != b.part[k.part] {
			return k.why
		}
	}
	return CauseRows
}

// DayText writes a day of a plan, days since 1970-01-01.
func DayText(day int32) string { return dayText(day) }
