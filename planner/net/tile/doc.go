// Package tile nets the 64 rows of one tile together: one lane class, so one table of opportunities, and no branch
// that depends on a row until a row needs something. It gives what net.Pass gives, row by row, and leaves the rows
// that it does not know: Why says why, and they take the careful path.
//
// All numbers of the kernel are int32 columns of 64, one number per row; quantities in milli-units unless said
// otherwise. The demand comes as inputs.Partition holds it, day by day:
//
//	byte of a tile of H days, width 2 (the demand of day d, row l, little-endian on the machines we build for)
//	       0      2             126    128           128 H
//	       ┌──────┬──────┬─────┬──────┬──────┬─ … ──┐
//	       │ d0 r0│ d0 r1│  …  │d0 r63│ d1 r0│      │   thousandths, 0 to 65,535
//	       └──────┴──────┴─────┴──────┴──────┴─ … ──┘
//
// A tile of width 4 is the same with four bytes a number and takes the kernel too, but for rows with a day of more than
// 131,071 thousandths. From the demand and the facts of the rows the columns of the windows are made (see Table for the
// windows; the structs window, state and Needs hold their columns one after the other, and testdata/layout.txt where):
//
//	byte of a window   0      256    512    768    1024   1280   1536   1792   2048
//	                   ┌──────┬──────┬──────┬──────┬──────┬──────┬──────┬──────┐
//	                   │ flow │ low  │ stop │ top  │ ask  │ room │ here │ used │   64 × int32 each
//	                   └──────┴──────┴──────┴──────┴──────┴──────┴──────┴──────┘
//
//	cum[t]    demand of the days before day t, up to some days behind the last window
//	flow[w]   what the days of window w add to the balance: receipts less demand
//	low[w]    the lowest balance at an end of day of window w, counted from its start; Planned + 1: the tail, the days
//	          of the horizon from the last opportunity on
//	stop[w]   what is left at the end of window w at the least: lost demand stops the balance at 0, receipts after the
//	          last stop come on top; far down where demand is backordered
//	top[w]    the stock at the start of window w with which it needs nothing
//	ask[w]    the stock at the start of window w that the policy wants there (top[w] for policy net)
//	room[w]   the stock at the start of window w, order included, that no cap minds
//	here[w]   receipts of the first day of window w
//	used[w]   demand of window w
//
// So that each opportunity k is, for all rows alike and w = k + 1,
//
//	balance  ← max(balance + flow[k], stop[k])          the days before it
//	need     = top[w] − balance, lowest = balance + low[w]
//	order    = ask[w] − balance in units, at least the least order, in whole packs, when there is a need
//	balance  ← balance + order
//
// What a row has beside demand and stock (open orders, days of safety stock, policies, caps, dates) only changes its place
// in the columns: demand outside a row's dates is taken out of its sums, a window behind them asks for nothing. Its floor with the demand up to its day never falls from day to day, so that the last day of a stretch
// without receipts tells its need.
//
// Two forms give the same columns: plain Go (scalar), and AVX2 as assembly that kernelgen writes and go generate
// reproduces byte for byte; golang.org/x/sys/cpu chooses at start, Tile.Scalar switches the assembly off. There is no
// AVX-512 form: nobody has run one on a processor that has it, and what was never run is not shipped. Where vectors
// divide they do it as integers would: whole packs by a reciprocal in float32 that is put right by one step (packs up to
// 4,096, needs up to 2²²), units by a multiplication that is exact for 32 bits, days of supply by a quotient of numbers
// below 2⁵³ (tests of the package go through them). What the columns alone do not tell (a cap that may bite) is looked
// at row by row, in the same place; plain Go looks at every order so. What a policy or a least order adds and what lies in
// a dead band is all that most ledgers have beside the need: vectors leave it to Tile.Asked.
//
// Invariants:
//
//	I1  a netted row has the orders, steps and marks that net.Pass gives it
//	I2  no number of a row within MaxUnits, MaxPack, maxDaily and maxDays leaves an int32: at most 200,000 units of
//	    stock, 200,000 of receipts, the larger of 200,000 of floor or max and maxDays + maxAhead days of demand (131
//	    units each), one least order of 200,000 and the demand again: less than 10⁹ of 2.1 × 10⁹ thousandths
//	I3  a row is netted or left, never both; a dead row is neither
//	I4  nothing depends on the tile that was netted before
package tile
