package kafka

import (
	"time"

	"echelon/publish/planfile"
)

// transaction is what goes out together: row groups of layers, in the order of the files.
type transaction struct {
	pieces []piece
	lines  int64
	weight int64 // bytes on the wire before compression, roughly
}

// limits bound one transaction.
type limits struct {
	lines  int64
	weight int64
}

// weigh estimates what a row group's records weigh: names, headers and framing of each line, and its values
// as text.
func weigh(g planfile.RowGroup) int64 { return 400*g.Lines + 3*g.RawBytes }

// cut divides the row groups of a manifest that are not in done into transactions within the limits, at
// least one row group each. Nothing left: no transaction.
func cut(m *planfile.Manifest, done []piece, l limits) []transaction {
	var all []transaction
	var now transaction
	for i := range m.Layers {
		f := &m.Layers[i]
		for g := range f.Groups {
			if covered(done, f.Layer, g) {
				continue
			}
			w := weigh(f.Groups[g])
			if len(now.pieces) > 0 && (now.lines+f.Groups[g].Lines > l.lines || now.weight+w > l.weight) {
				all = append(all, now)
				now = transaction{}
			}
			now.lines += f.Groups[g].Lines
			now.weight += w
			if k := len(now.pieces) - 1; k >= 0 && now.pieces[k].Layer == f.Layer && now.pieces[k].To == g {
				now.pieces[k].To++
				continue
			}
			now.pieces = append(now.pieces, piece{Layer: f.Layer, From: g, To: g + 1})
		}
	}
	if len(now.pieces) > 0 {
		all = append(all, now)
	}
	return all
}

func covered(done []piece, layer string, group int) bool {
	for _, p := range done {
		if p.Layer == layer && p.From <= group && group < p.To {
			return true
		}
	}
	return false
}

// base is the part of a transaction's time-out that does not depend on its size.
const base = time.Minute

// timeoutOf gives the time-out of a transaction of a weight, at most longest.
func (c *Config) timeoutOf(weight int64, longest time.Duration) time.Duration {
	if c.TransactionTimeout != 0 {
		return c.TransactionTimeout
	}
	return min(longest, base+time.Duration(weight/c.SlowBytesPerSecond)*time.Second)
}

// limitsUnder gives what one transaction may hold when the broker's longest time-out is given.
func (c *Config) limitsUnder(longest time.Duration) limits {
	if c.TransactionTimeout != 0 {
		longest = min(longest, c.TransactionTimeout)
	}
	seconds := max(int64((longest-base)/time.Second), int64(longest/time.Second)/2, 1)
	return limits{lines: c.PartLines, weight: seconds * c.SlowBytesPerSecond}
}
