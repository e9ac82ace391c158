package main

import (
	"slices"

	"echelon/planner"
)

// copyChunk makes a chunk that outlives the planner's buffers.
func copyChunk(c *planner.Chunk) *planner.Chunk {
	out := &planner.Chunk{DC: c.DC, Group: c.Group}
	for id, t := range c.Tables {
		if t == nil {
			continue
		}
		cols := make([]planner.Col, len(t.Cols))
		for i := range t.Cols {
			f := &t.Cols[i]
			cols[i] = planner.Col{
				I32: slices.Clone(f.I32), I64: slices.Clone(f.I64), U8: slices.Clone(f.U8), Str: slices.Clone(f.Str),
				Off: slices.Clone(f.Off), List: slices.Clone(f.List), Reason: slices.Clone(f.Reason),
			}
		}
		out.Tables[id] = &planner.Table{Layer: t.Layer, Rows: t.Rows, Cols: cols}
	}
	return out
}
