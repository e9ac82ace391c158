package planner

import (
	"strconv"

	"echelon/calendars"
	"echelon/inputs"
)

// settings lists the SKU's parameters with the scopes they came from.
func (t *tracer) settings(d *desk, s *sku, p *inputs.Partition) []Setting {
	row := int(s.row)
	scopes := map[string]string{}
	names := inputs.ParameterNames()
	for i, scope := range p.Provenance(d.net, row) {
		if i < len(names) {
			scopes[names[i]] = scope.String()
		}
	}
	var list []Setting
	add := func(name, value string) {
		list = append(list, Setting{Name: name, Value: value, Scope: scopes[name]})
	}
	num := func(v int64) string { return strconv.FormatInt(v, 10) }
	add("policy", policyWords[p.Policy[row]])
	switch p.Policy[row] {
	case inputs.PolicyMinMax:
		add("min", num(int64(p.Min[row])))
		add("max", num(int64(p.Max[row])))
	case inputs.PolicyNet, inputs.PolicyCover, inputs.PolicyNone:
	}
	add("cover_days", num(int64(p.CoverDays[row])))
	add("safety_units", num(int64(p.SafetyUnits[row])))
	add("safety_days", MilliText(int64(p.SafetyDays[row])))
	add("presentation_min", num(int64(p.Presentation[row])))
	if p.ShelfCap[row] >= 0 {
		add("shelf_capacity", num(int64(p.ShelfCap[row])))
	}
	if p.ShelfLife[row] > 0 {
		add("shelf_life_days", num(int64(p.ShelfLife[row])))
	}
	add("rank", num(int64(p.Rank[row])))
	if p.Flags[row]&inputs.FlagDates != 0 {
		if p.SaleFrom[row] != calendars.MinDay {
			add("active_from", p.SaleFrom[row].String())
		}
		if p.SaleTo[row] != calendars.MaxDay {
			add("active_to", p.SaleTo[row].String())
		}
	}
	if set := p.LotSet[row]; set != inputs.None && len(d.net.LotSets[set]) > 0 {
		lot := &d.net.LotSets[set][0]
		add("pack", num(int64(lot.Pack)))
		add("moq", num(int64(lot.MOQ)))
		add("layer_packs", num(int64(lot.LayerPacks)))
		add("pallet_packs", num(int64(lot.PalletPacks)))
		add("round_up_tolerance", MilliText(int64(lot.Tolerance)))
		add("dead_band", MilliText(int64(lot.DeadBand)))
	}
	return list
}
