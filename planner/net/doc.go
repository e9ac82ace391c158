// Package net turns the demand, stock and opportunities of one row into orders: planning rules, sections 3
// to 5. It knows nothing of other rows, files or workers.
//
//	Row.All, D1, D2, D3   milli-units per day, day 0 … T−1: all demand; own demand and promises with the packs
//	                      of children's orders of tier 1, tiers 1 and 2, tiers 1 to 3 (All for a row without children)
//	Row.Rec               milli-units that become usable per day
//	Row.Floor, Pres       milli-units: the full floor, the presentation minimum; both 0 outside the dates
//	Table                 opportunities in ascending usable day; window k is [a_k, end_k]
//	Pass                  one run over all opportunities: each is netted, held, or netted and never lowered
//
// Bounds: demand per day ≤ 10¹² milli-units for own forecasts, saturated at 10¹² units per tier for dependent demand, stock
// ≤ 10⁹ units, days looked at ≤ 33,000; an order is cut at 10¹² units. No sum of these wraps an int64: sums over
// long ranges saturate at 4 × 10¹⁸.
//
// Invariants:
//
//	I1  the steps of a result add up to its quantity
//	I2  N1 ≤ N2 ≤ N3 ≤ need in units
//	I3  a quantity is a whole number of packs and inside the hard caps
//	I4  nothing depends on what was computed for another row before
package net
