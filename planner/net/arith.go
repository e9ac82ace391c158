package net

import "math/bits"

// unitsUp rounds milli-units up to whole units; what is not positive is 0.
func unitsUp(milli int64) int64 {
	if milli <= 0 {
		return 0
	}
	return (milli + 999) / 1000
}

// roundUp rounds up to a multiple of step.
func roundUp(q, step int64) int64 {
	if up := q + step - 1; up>>31 == 0 { // a short division is several times faster
		return int64(uint32(up) / uint32(step) * uint32(step))
	}
	return (q + step - 1) / step * step
}

// partUp gives so many thousandths of a day's demand, rounded up; demand of a day is far from the bounds.
func partUp(demand, thousandths int64) int64 {
	const safe = 1 << 53
	if demand < safe {
		return (demand*thousandths + 999) / 1000
	}
	hi, lo := bits.Mul64(uint64(demand), uint64(thousandths))
	q, rem := bits.Div64(hi, lo, 1000)
	if rem > 0 {
		q++
	}
	return int64(q)
}

// SupplyDays gives stock ÷ mean daily demand of a window, rounded down, 0 to 999; no demand: 999.
func SupplyDays(stock, demand int64, days int32) int16 {
	const most = 999
	if demand <= 0 {
		return most
	}
	if stock <= 0 {
		return 0
	}
	if stock>>40 == 0 {
		if supply := uint64(stock) * uint64(days); supply < most*uint64(demand) && demand>>50 == 0 {
			return int16(supply / uint64(demand))
		}
	}
	hi, lo := bits.Mul64(uint64(stock), uint64(days))
	if hi >= uint64(demand) {
		return most
	}
	q, _ := bits.Div64(hi, lo, uint64(demand))
	return int16(min(q, most))
}
