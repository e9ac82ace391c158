package planfile

import (
	"sync"

	"echelon/planner"
)

// Room is memory for the making of plan files that one Writer leaves to the next: encoders, and rows on their way into
// row groups. Writers that share it may work at once. What is written does not depend on it.
type Room struct {
	mu       sync.Mutex
	encoders []*encoder
	rows     [planner.NumLayers][]*gathered
	bytes    int64 // of the rows
}

// mostRoom is the most bytes of rows that are kept while nobody uses them.
const mostRoom = 64 << 20

// takeRows gives room for the rows of a layer's row group: what another file of the layer has left, else a new one.
func (r *Room) takeRows(id planner.LayerID) *gathered {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.rows[id]); n > 0 {
		g := r.rows[id][n-1]
		r.rows[id] = r.rows[id][:n-1]
		r.bytes -= g.bytes()
		return g
	}
	return newGathered(id)
}

func (r *Room) leaveRows(g *gathered) {
	bytes := g.bytes()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+bytes <= mostRoom {
		r.rows[g.layer] = append(r.rows[g.layer], g)
		r.bytes += bytes
	}
}

func (r *Room) encoder() (*encoder, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.encoders); n > 0 {
		e := r.encoders[n-1]
		r.encoders = r.encoders[:n-1]
		return e, nil
	}
	return newEncoder()
}

func (r *Room) leaveEncoder(e *encoder) {
	r.mu.Lock()
	r.encoders = append(r.encoders, e)
	r.mu.Unlock()
}
