package planner

import "echelon/planner/net"

// Trace is what is noted of one SKU while it is planned, for Explain.
type Trace struct{}

func (t *Trace) netted(d *desk, s *sku, tab *net.Table, when string)     {}
func (t *Trace) trial(d *desk, site int16, item int8)                    {}
func (t *Trace) shared(d *desk, site int16, item int8, from, last int32) {}
