package planner

import "sync"

// askedRoom is how many bytes of groups that were asked are kept for their give.
const askedRoom = 1 << 30

// budget counts what is in memory of rows and of groups that were asked. Together they stay within the limit: what was
// asked leaves room for the largest unit, so that one unit always fits.
type budget struct {
	limit int64 // bytes, 0: none
	most  int64 // bytes of what was asked

	mu          sync.Mutex
	rows, asked int64
}

// newBudget makes the budget of a limit, 0: none, and units of which the largest takes so many bytes.
func newBudget(limit, largest int64) *budget {
	b := &budget{limit: limit, most: askedRoom}
	if limit > 0 {
		b.most = min(askedRoom, limit-largest)
	}
	return b
}

// load takes room for the rows of a unit; false: there is none.
func (b *budget) load(bytes int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit > 0 && b.rows+b.asked+bytes > b.limit {
		return false
	}
	b.rows += bytes
	return true
}

// unload gives the room of a unit's rows back.
func (b *budget) unload(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows -= bytes
}

// keep takes room for a group that was asked; false: there is none.
func (b *budget) keep(bytes int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked+bytes > b.most || b.limit > 0 && b.rows+b.asked+bytes > b.limit {
		return false
	}
	b.asked += bytes
	return true
}

// drop gives the room of a group that was asked back.
func (b *budget) drop(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked -= bytes
}
