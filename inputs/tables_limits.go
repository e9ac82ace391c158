package inputs

func vendorTermsContract() *Contract {
	return &Contract{
		Table: "vendor_terms", Used: false,
		Doc: "Minimums of whole vendor orders.",
		Columns: []ColumnDef{
			id("vendor", "The vendor.").ref("nodes").key(),
			id("dc", "The ordering DC.").ref("nodes").key().opt("all DCs"),
			money("min_value", "Smallest value of an order.").opt("no minimum"),
			currency("currency", "Currency of min_value.").opt("the items'"),
			units("min_units", "Fewest units of an order.").opt("no minimum"),
			weight("min_weight", "Smallest weight of an order.").opt("no minimum"),
			milli("min_pallets", "pallets", "Fewest pallets of an order.").upTo(1_000_000_000).opt("no minimum"),
			truth("full_vehicle", "An order must fill a vehicle.").opt("false"),
			text("brackets", "Price brackets of the vendor.").opt("none"),
			days("max_extra_days", "Most days of supply added to meet a minimum.").opt("no limit"),
			truth("joint", "The DCs order together.").opt("false"),
		},
	}
}

func capacitiesContract() *Contract {
	return &Contract{
		Table: "capacities", Used: false,
		Doc: "What a node can pick or receive on a day.",
		Columns: []ColumnDef{
			id("node", "The place.").ref("nodes").key(),
			enum("kind", "Which work.", "pick", "receive").key(),
			enum("unit", "What is counted.", "units", "cases", "lines", "pallets", "volume", "weight").key(),
			id("source", "Limit for goods of this source.").ref("nodes").key().opt("all sources"),
			bound("from", "First day of the limit.").key().opt("since ever"),
			number("weekday", "Weekday of the limit.").in("1 Monday to 7 Sunday").from(1).upTo(7).key().opt("see date; with neither, every day"),
			date("date", "Day of the limit; beats a weekday.").key().opt("see weekday; with neither, every day"),
			column("limit", TypeNumber, "of the unit", MaxMilli, "Most of the unit on the day."),
		},
		Rules: []Rule{{
			Columns: []string{"weekday", "date"}, Words: "weekday or date, not both",
			broken: bothGiven,
		}},
	}
}

func overridesContract() *Contract {
	return &Contract{
		Table: "overrides", Used: false,
		Doc: "What a planner decided by hand; it survives every re-plan.",
		Columns: []ColumnDef{
			id("id", "The override.").key(),
			enum("kind", "What it does.", "fix", "forbid", "add", "at-least"),
			id("item", "The product.").ref("items").opt("all items"),
			id("node", "The place.").ref("nodes").opt("all nodes"),
			id("lane", "The route.").ref("lanes").opt("all lanes"),
			id("vendor", "The vendor.").ref("nodes").opt("all vendors"),
			units("quantity", "Units of fix, add and at-least.").opt("forbid has none"),
			bound("from", "First order day.").opt("since ever"),
			bound("to", "Last order day.").opt("no end"),
			text("by", "Who decided.").opt("not said"),
			text("why", "The reason.").opt("not said"),
		},
		Rules: []Rule{
			ordered("from", "to"),
			{
				Columns: []string{"quantity", "kind"}, Words: "fix, add and at-least give a quantity, forbid does not",
				broken: func(v []*Vector, r int) bool {
					const forbid = 1
					return v[0].IsNull(r) != (v[1].Int(r, forbid) == forbid)
				},
			},
			{
				Columns: []string{"item", "node", "lane", "vendor"}, Words: "at least one of item, node, lane and vendor must be given",
				broken: func(v []*Vector, r int) bool {
					return v[0].IsNull(r) && v[1].IsNull(r) && v[2].IsNull(r) && v[3].IsNull(r)
				},
			},
		},
	}
}
