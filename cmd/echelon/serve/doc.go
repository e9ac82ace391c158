// Package serve is the warm service: one process that follows the change topics of one or more tenants, takes
// rows by HTTP, and runs cycles on schedule, on a record in a trigger topic, when too many SKUs fell under their
// floor, or when asked to.
//
//	topics ──follow──▶ state ──Cut──▶ cycle.Run ──▶ plan files, topics
//	POST inputs ─▶ log ──┘    │
//	                         └── checkpoints on a schedule
//	waves · trigger topic · floor · POST cycles ──▶ queue (one cycle of a tenant at a time)
//
// Invariants:
//
//	I1  tenants share the process, the HTTP port and the processors, and nothing else: each has its own policy,
//	    mapping, state, log, tokens, topics, layers and limits
//	I2  a cycle plans a cut; its result is that of a cold run of the same cut, bit for bit
//	I3  a wave's cycle has the same id whenever it is worked out: a service that was away does what is still in
//	    its window, once
//	I4  at a stop what is begun is left whole, and the state is checkpointed
package serve
