package planner

// keptRun is how the sharing of a trial left a child: what it was before, and its orders since.
type keptRun struct {
	was, is savedRun
}

// repeats reports whether the give of a visit must come to what the trial found for the days of the deployment window:
// nothing that it depends on changes between the two.
func (d *desk) repeats(site int16, item int8, end int32) bool {
	return d.tracer == nil && len(d.sites) == 1 && d.policy.Reserve == ReserveNone &&
		d.shares(site, item) && end == d.window[d.cell(site, item)]
}

// keepTrial keeps the orders of the children that wanted something of the window; what the trial does after it is
// done on copies. It returns up to where orders, extras and steps must stand.
func (d *desk) keepTrial(cell int, site int16, end int32) (orders, extras, steps int) {
	from := int32(len(d.trials))
	for k, i := range d.kids {
		s := &d.skus[i]
		if d.wants(s, d.table(s), site, 0, end) {
			d.trials = append(d.trials, keptRun{was: d.saved[k], is: savedRun{i, s.first, s.count, s.flags}})
		}
	}
	d.trialOf[cell] = [2]int32{from, int32(len(d.trials))}
	orders, extras, steps = len(d.orders), len(d.extras), len(d.steps)
	for k := from; k < int32(len(d.trials)); k++ {
		s := &d.skus[d.trials[k].is.sku]
		first := int32(len(d.orders))
		d.orders = append(d.orders, d.orders[s.first:s.first+s.count]...)
		s.first = first
	}
	return orders, extras, steps
}

// takeTrial lets the children of a DC's item stand as the trial left them; false: there is none, or a child has
// changed since.
func (d *desk) takeTrial(cell int) bool {
	at := d.trialOf[cell]
	runs := d.trials[at[0]:at[1]]
	for k := range runs {
		s, was := &d.skus[runs[k].was.sku], &runs[k].was
		if s.first != was.first || s.count != was.count || s.flags != was.flags {
			return false
		}
	}
	for k := range runs {
		s, is := &d.skus[runs[k].is.sku], &runs[k].is
		tab := d.table(s)
		d.stand(s, tab, -1)
		s.first, s.count, s.flags = is.first, is.count, is.flags
		d.stand(s, tab, 1)
	}
	return len(runs) > 0
}
