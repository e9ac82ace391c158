package build

import (
	"cmp"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

type stagedItem struct {
	id, name, category, currency string
	volume, weight, cost, price  int64
	pack, layer, pallet          int32
	life                         int16
	from, to                     calendars.Day
	handling                     uint8
}

func (b *builder) readItems() error {
	var staged []stagedItem
	known := map[string]bool{}
	var categories []string
	cats := map[string]bool{}
	err := b.each("items", func(t *inputs.Batch, n *inputs.Counts) error {
		id, name, category, currency := t.Col("item"), t.Col("name"), t.Col("category"), t.Col("currency")
		volume, weight, cost, price := t.Col("volume"), t.Col("weight"), t.Col("cost"), t.Col("price")
		pack, layer, pallet, life := t.Col("pack"), t.Col("layer_packs"), t.Col("pallet_packs"), t.Col("shelf_life_days")
		from, to, handling := t.Col("sell_from"), t.Col("sell_to"), t.Col("handling")
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			s := stagedItem{
				id: id.Str(r), name: name.Str(r), category: category.Str(r), currency: currency.Str(r),
				volume: volume.Int(r, -1), weight: weight.Int(r, -1), cost: cost.Int(r, -1), price: price.Int(r, -1),
				pack: int32(pack.Int(r, 0)), layer: int32(layer.Int(r, 0)), pallet: int32(pallet.Int(r, 0)),
				life: int16(life.Int(r, 0)), from: dayOr(from, r, calendars.MinDay), to: dayOr(to, r, calendars.MaxDay),
				handling: uint8(handling.Int(r, 0)),
			}
			if known[s.id] {
				b.report.fault(t, r, "item", inputs.DuplicateKey, "the id stands in another row: keep one")
				continue
			}
			known[s.id] = true
			if s.category != "" && !cats[s.category] {
				cats[s.category] = true
				categories = append(categories, s.category)
			}
			staged = append(staged, s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(staged, func(x, y stagedItem) int { return cmp.Compare(x.id, y.id) })
	ids := make([]string, len(staged))
	b.categories = newDictionary(categories)
	t := &b.net.Items
	for i := range staged {
		s := &staged[i]
		ids[i] = s.id
		t.Name, t.Category, t.Currency = append(t.Name, s.name), append(t.Category, s.category), append(t.Currency, s.currency)
		t.Volume, t.Weight = append(t.Volume, s.volume), append(t.Weight, s.weight)
		t.Cost, t.Price, t.Handling = append(t.Cost, s.cost), append(t.Price, s.price), append(t.Handling, s.handling)
		b.itemPack, b.itemLay, b.itemPal = append(b.itemPack, s.pack), append(b.itemLay, s.layer), append(b.itemPal, s.pallet)
		b.itemLife, b.sellFrom, b.sellTo = append(b.itemLife, s.life), append(b.sellFrom, s.from), append(b.sellTo, s.to)
		category := int32(inputs.None)
		if s.category != "" {
			category = b.categories.index(s.category)
		}
		b.category = append(b.category, category)
	}
	b.itemIDs = newDictionary(ids)
	t.ID, b.net.Nodes.ID = b.itemIDs.ids, b.nodeIDs.ids
	return nil
}
