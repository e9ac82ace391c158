package planfile

import (
	"context"
	"fmt"
	"slices"

	"echelon/inputs"
	"echelon/planner"
)

// Table reads a layer of the plan into the dense indexes of the network that it was planned on.
func (d *DC) Table(ctx context.Context, id planner.LayerID, n *inputs.Network) (*planner.Table, error) {
	layer := planner.LayerOf(id)
	t := &planner.Table{Layer: id, Cols: make([]planner.Col, len(layer.Columns))}
	for b, err := range d.Merged(ctx, id) {
		if err != nil {
			return nil, err
		}
		for i := range layer.Columns {
			if err := appendColumn(&t.Cols[i], &b.Cols[i], n); err != nil {
				return nil, fmt.Errorf("plan of dc %s, cycle %s, layer %s: %w", d.Manifest.DC, d.Manifest.Cycle, layer.Name, err)
			}
		}
		t.Rows += b.Rows
	}
	return t, nil
}

// appendColumn appends a decoded column to a table's.
func appendColumn(to *planner.Col, from *Column, n *inputs.Network) error {
	switch from.Def.Type {
	case planner.ColItem, planner.ColNode, planner.ColLane:
		ids := names(n, from.Def)
		index := make([]int32, len(from.Dict))
		for k, word := range from.Dict {
			at, ok := slices.BinarySearch(ids, word)
			if !ok {
				return fmt.Errorf("column %s names %s, which its snapshot lacks", from.Def.Name, word)
			}
			index[k] = int32(at)
		}
		for _, code := range from.Codes {
			v := int32(inputs.None)
			if code >= 0 {
				v = index[code]
			}
			to.I32 = append(to.I32, v)
		}
	case planner.ColText:
		for _, code := range from.Codes {
			word := ""
			if code >= 0 {
				word = from.Dict[code]
			}
			to.Str = append(to.Str, word)
		}
	case planner.ColEnum:
		for _, code := range from.Codes {
			at := slices.Index(from.Def.Words, from.Dict[max(code, 0)])
			if code < 0 || at < 0 {
				return fmt.Errorf("column %s has a word that this engine does not know", from.Def.Name)
			}
			to.U8 = append(to.U8, uint8(at))
		}
	case planner.ColDay:
		for _, v := range from.Ints {
			day := planner.NullDay
			if v != planner.NullInt {
				day = int32(v)
			}
			to.I32 = append(to.I32, day)
		}
	case planner.ColInt, planner.ColMilli:
		to.I64 = append(to.I64, from.Ints...)
	case planner.ColBool:
		for _, v := range from.Ints {
			to.U8 = append(to.U8, uint8(v))
		}
	case planner.ColMilliList, planner.ColLedger:
		if len(to.Off) == 0 {
			to.Off = append(to.Off, 0)
		}
		base := uint32(len(to.List))
		to.List = append(to.List, from.List...)
		to.Reason = append(to.Reason, from.Reason...)
		for _, off := range from.Off[min(1, len(from.Off)):] {
			to.Off = append(to.Off, base+off)
		}
	}
	return nil
}
