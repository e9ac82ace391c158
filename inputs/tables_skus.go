package inputs

func skusContract() *Contract {
	const cascade = "cascade"
	return &Contract{
		Table: "skus", Required: true, Used: true,
		Doc: "Items at nodes: what is planned. Every column but the key is nullable: the parameter cascade fills it.",
		Columns: []ColumnDef{
			id("item", "The product.").ref("items").key(),
			id("node", "The place.").ref("nodes").key(),
			enum("policy", "How a need becomes an order.", "net", "min-max", "cover", "none").opt("cascade, at its end net"),
			units("min", "Policy min-max: order when the balance goes under it.").opt("cascade, at its end 0"),
			units("max", "Policy min-max: order up to it.").opt("cascade, at its end 0"),
			days("cover_days", "Policy cover: days an order must last; for every policy the window of a last opportunity.").opt("cascade, at its end 0"),
			units("safety_units", "Safety stock.").opt("cascade, at its end 0"),
			milli("safety_days", "days", "Safety stock as days of forward demand.").upTo(1_000_000).opt("cascade, at its end 0"),
			units("presentation_min", "Shelf minimum.").opt("cascade, at its end 0"),
			units("shelf_capacity", "Most that the shelf holds.").opt("cascade, at its end no cap"),
			units("pack", "Units of a case pack.").from(1).opt("cascade, then the item's, at its end 1"),
			units("moq", "Smallest order.").opt("cascade, at its end none"),
			number("layer_packs", "Packs of a pallet layer.").in("packs").from(1).upTo(1_000_000).opt("cascade, then the item's, at its end none"),
			number("pallet_packs", "Packs of a full pallet.").in("packs").from(1).upTo(1_000_000).opt("cascade, then the item's, at its end none"),
			milli("round_up_tolerance", "share of the order", "How much may be added to fill a layer or pallet.").upTo(10_000).opt("cascade, at its end 0"),
			milli("dead_band", "packs", "A need below it orders nothing when no stock-out threatens.").upTo(1_000_000).opt("cascade, at its end 0"),
			number("rank", "Priority class, 1 first.").from(1).upTo(32767).opt("cascade, then the node's, at its end 1"),
			bound("active_from", "First day of its demand and floors.").opt(cascade),
			bound("active_to", "Last day of its demand and floors.").opt(cascade),
		},
		Rules: []Rule{
			ordered("active_from", "active_to"),
			{
				Columns: []string{"min", "max"}, Words: "min must not be over max",
				broken: firstOver,
			},
		},
	}
}

func sourcingContract() *Contract {
	return &Contract{
		Table: "sourcing", Used: true,
		Doc: "Which items a lane carries, with its own lot sizes and times. A SKU without rows here uses the lanes into its node whose source carries the item.",
		Columns: []ColumnDef{
			id("item", "The product.").ref("items").key(),
			id("lane", "The route.").ref("lanes").key(),
			number("priority", "Lowest first.").opt("the lane's"),
			units("pack", "Units of a case pack on this lane.").from(1).opt(cascadeOfSKU),
			units("moq", "Smallest order on this lane.").opt(cascadeOfSKU),
			days("prep_days", "Open days of the source from order to pick.").upTo(365).opt("the lane's"),
			days("transit_days", "Days on the way.").upTo(365).opt("the lane's"),
			bound("valid_from", "First order day.").opt("since ever"),
			bound("valid_to", "Last order day.").opt("no end"),
		},
		Rules: []Rule{ordered("valid_from", "valid_to")},
	}
}

const cascadeOfSKU = "the SKU's, by the cascade"

// The words of parameters.scope, narrow to wide: the values of its Ints.
const (
	ScopeItemNode int64 = iota
	ScopeItem
	ScopeCategoryNode
	ScopeCategory
	ScopeNode
	ScopeGroup
	ScopeVendor
	ScopeTenant
)

func parametersContract() *Contract {
	c := &Contract{
		Table: "parameters", Used: true,
		Doc: "Values for many SKUs at once. The narrowest scope that names a SKU wins; the value used and its scope are kept per SKU. The columns that the scope names are given, the others are null.",
		Columns: []ColumnDef{
			enum("scope", "What the row is about, narrow to wide.",
				"item-node", "item", "category-node", "category", "node", "group", "vendor", "tenant").key(),
			id("item", "Scopes item-node and item.").ref("items").key().opt("not of this scope"),
			text("category", "Scopes category-node and category.").key().opt("not of this scope"),
			id("node", "Scopes item-node, category-node and node.").ref("nodes").key().opt("not of this scope"),
			text("group", "Scope group: a node group.").key().opt("not of this scope"),
			id("vendor", "Scope vendor: SKUs whose first lane comes from it.").ref("nodes").key().opt("not of this scope"),
			text("name", "A column of skus: "+parameterWords()+".").key(),
			text("value", "The value as that column's text in a file."),
		},
	}
	for scope, cols := range scopeColumns() {
		c.Rules = append(c.Rules, scopeRule(int64(scope), c.Columns[0].Enum[scope], cols))
	}
	c.Rules = append(c.Rules,
		Rule{
			Columns: []string{"name"}, Words: "name must be a column of skus: " + parameterWords(),
			broken: func(v []*Vector, r int) bool { return ParameterDef(v[0].Str(r)) == nil },
		},
		Rule{
			Columns: []string{"value", "name"}, Words: "value must be a value of the column that name names",
			broken: func(v []*Vector, r int) bool {
				def := ParameterDef(v[1].Str(r))
				if def == nil {
					return false
				}
				_, err := ParseInt(def, v[0].Str(r))
				return err != nil
			},
		})
	return c
}

// scopeColumns lists, per scope, the columns that it names.
func scopeColumns() [][]string {
	return [][]string{
		{"item", "node"},
		{"item"},
		{"category", "node"},
		{"category"},
		{"node"},
		{"group"},
		{"vendor"},
		{},
	}
}

func scopeRule(scope int64, word string, cols []string) Rule {
	all := []string{"item", "category", "node", "group", "vendor"}
	want := make([]bool, len(all))
	words := "scope " + word + " gives"
	for i, name := range all {
		for _, c := range cols {
			if c == name {
				want[i] = true
				words += " " + name
			}
		}
	}
	if len(cols) == 0 {
		words += " no id"
	} else {
		words += " and no other id"
	}
	return Rule{
		Columns: append([]string{"scope"}, all...), Words: words,
		broken: func(v []*Vector, r int) bool {
			if v[0].Int(r, scope) != scope {
				return false
			}
			for i := range all {
				if v[1+i].IsNull(r) == want[i] {
					return true
				}
			}
			return false
		},
	}
}

// ParameterDef returns the column of skus that a parameter fills, nil for a name that is none. Its text is
// read by ParseInt.
func ParameterDef(name string) *ColumnDef {
	skus := ContractOf("skus")
	i := skus.Index(name)
	if i < 0 || skus.Columns[i].Key {
		return nil
	}
	return &skus.Columns[i]
}
