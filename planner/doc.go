// Package planner turns a snapshot and a policy into a plan: orders of every level with their ledgers, projections,
// carry, exceptions and workload. It reads no clock, file or network, and gives the same bytes for any number of
// workers.
//
//	Network, Partition ──▶ ask: net children (plain.go, ask.go, net/) ─▶ sums per item, pick day, tier
//	                        trial of items that exceed what is there ─▶ net the DC's own row
//	                          │ requests to parent units (request.go)      ▲ answers: every line of the row
//	                          ▼                                            │
//	                       give: share pack by pack (ration.go, share/) ─▶ rounds ─▶ net shorted rows again
//	                        ─▶ lines, exceptions, carry, projections (emit*.go, give.go) ─▶ Chunk ─▶ Sink
//
// The unit of work is (unit of DCs, item group of 64 items); a unit is one DC, or DCs that order from each other.
// Units are visited children first; one without parents asks and gives in one visit, the others are loaded again
// for their give, parents first, which goes on from what was asked (asked.go) or, without room for that, asks again. Units that do not wait for each other are in work at the same time, the next ones
// being loaded ahead (flow.go). Workers take groups from the oldest open visit and keep all they need on a desk
// (desk.go) that is reused from group to group; chunks of a visit leave in group order.
//
//	desk.skus     one per row of the group, partition rows tile by tile, then requests of child units
//	desk.orders   per SKU a run: the opportunities that need, ask for or are given something, ascending
//	desk.dep      per DC and item: children's orders in units per tier and pick day, corrected by the trial
//	desk.now      per DC and item: units per pick day as the orders stand
//	desk.window   per DC and item: last day of the deployment window
//
// The steps of later issues have their place: early and next lanes beside the table's opportunities (Kind of a
// line), capacity and loads between settling shorted rows and the lines, actions and fences with the exceptions,
// vendor minimums where a DC's vendor orders are summed (dcsum.go).
//
// Invariants:
//
//	I1  the same cycle gives the same rows, in the same order, for any number of workers and any way of netting
//	    (Cycle.Careful, Cycle.Kernel)
//	I2  an order's ledger adds up to its quantity, and so do its tiers
//	I3  what a DC gives by a day of its window is never more than what is there by that day, from the first
//	    pick day on
//	I4  a DC is loaded at most twice, and no more units are held than Cycle.InMemory and Cycle.MemoryBytes allow
//	I5  planning a group on a used desk allocates next to nothing per SKU
//	I6  a bug in one group ends the plan with an error that names unit and group, never silently
//
// Bounds: quantities of inputs up to 10⁹ units and 10¹² milli-units of demand a day; an order is cut at 10¹² units
// and children's orders of one day and tier at 10¹² units; products of money, volume and weight are cut at the
// largest number. Within these nothing wraps.
package planner
