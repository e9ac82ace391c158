package net

// fillFloors works out the floors: the larger of safety stock and presentation minimum inside the dates;
// past the horizon the value of its last day, cut to the dates.
func (r *Row) fillFloors() {
	t := r.T
	pres := r.Present * 1000
	if r.SafeDays == 0 && len(r.Dated) == 0 && r.From <= 0 && int(r.To) >= t-1 {
		r.flat, r.steady = true, true
		r.levelSafe, r.levelPres = r.Safety*1000, pres
		r.levelFloor = max(r.levelSafe, pres)
		return
	}
	r.flat = false
	s := &r.store
	s.floor, s.pres, s.safe = sized(s.floor, t), sized(s.pres, t), sized(s.safe, t)
	r.floor, r.pres, r.safe = s.floor, s.pres, s.safe
	if r.From <= 0 && int(r.To) >= t-1 && len(r.Dated) == 0 && r.H+int(r.SafeDays/1000) < t {
		r.forwardFloors(pres)
		return
	}
	r.steady = false
	var safe int64
	for d := range t {
		if d < r.H {
			safe = r.safetyOn(d)
		}
		if r.inside(int32(d)) {
			r.safe[d], r.pres[d], r.floor[d] = safe, pres, max(safe, pres)
		} else {
			r.safe[d], r.pres[d], r.floor[d] = 0, 0, 0
		}
	}
}

// forwardFloors works out floors of forward demand where dates bound nothing and all of it lies in the columns.
func (r *Row) forwardFloors(pres int64) {
	r.steady, r.levelPres, r.levelFloor = true, pres, 0
	whole, part := int(r.SafeDays/1000), r.SafeDays%1000
	units := r.Safety * 1000
	cum, all := r.cum, r.All
	for d := range r.H {
		ahead := cum[d+1+whole] - cum[d+1]
		if part > 0 {
			ahead += partUp(all[d+1+whole], part)
		}
		safe := max(units, ahead)
		r.safe[d], r.pres[d], r.floor[d] = safe, pres, max(safe, pres)
	}
	last := r.H - 1
	for d := r.H; d < r.T; d++ {
		r.safe[d], r.pres[d], r.floor[d] = r.safe[last], pres, r.floor[last]
	}
}

// FloorOn gives the full floor of a day of the columns in milli-units, 0 outside the dates.
func (r *Row) FloorOn(d int32) int64 {
	if r.flat {
		return r.levelFloor
	}
	return r.floor[d]
}

// PresentOn gives the presentation minimum of a day of the columns in milli-units, 0 outside the dates.
func (r *Row) PresentOn(d int32) int64 {
	if r.flat {
		return r.levelPres
	}
	return r.pres[d]
}

// SafeOn gives the safety stock of a day of the columns in milli-units, 0 outside the dates.
func (r *Row) SafeOn(d int32) int64 {
	if r.flat {
		return r.levelSafe
	}
	return r.safe[d]
}

// safetyOn gives the safety stock of a day of the horizon, not cut to dates.
func (r *Row) safetyOn(d int) int64 {
	units := r.Safety
	for i := range r.Dated {
		if int(r.Dated[i].From) > d {
			break
		}
		units = r.Dated[i].Units
	}
	safe := units * 1000
	if r.SafeDays > 0 {
		safe = max(safe, r.Forward(d, r.SafeDays))
	}
	return safe
}

// Forward gives the demand of so many thousandths of a day after day d: part of a day pro rata, rounded up.
func (r *Row) Forward(d int, thousandths int64) int64 {
	whole := int(thousandths / 1000)
	sum := r.Sum(d+1, d+whole)
	if part := thousandths % 1000; part > 0 {
		sum += partUp(r.On(d+whole+1), part)
	}
	return sum
}
