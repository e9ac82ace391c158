// Package share divides what a DC has of one item among the orders of its children: planning rules, section
// 6, "Give". It knows nothing of netting.
//
//	Pool.Rem[d]   milli-units there by day d less what was given for pick days until d
//	Claim         one order: pick day, pack, units wanted and given, the needs that split it into tiers
//	Stock[c]      per child: milli-units of what it was given so far on all orders of the window
//
// Packs go out by tier, rank and pick day (promised packs first); a bucket that does not fit goes out one pack
// at a time to the claim that the rule puts first. Large buckets are first raised together to a common level,
// which gives the same packs.
//
// Invariants:
//
//	I1  what is given for pick days until d never exceeds what is there by d, from the first given pick day on
//	I2  nothing is left over that a claim of a failing bucket could take in whole packs
//	I3  the order of the claims handed in decides nothing but full ties, which there are none of
package share
