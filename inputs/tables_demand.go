package inputs

func forecastsContract() *Contract {
	return &Contract{
		Table: "forecasts", Required: true, Used: true,
		Doc: "Expected demand: one row per day, or a row with a first day and a list. Of rows that name the same day of an item and node, the one issued last counts, a row without issued_at before all others. Rows of a quantile are checked and filtered: the plan uses the mean.",
		Columns: []ColumnDef{
			id("item", "The product.").ref("items").key(),
			id("node", "The place.").ref("nodes").key(),
			date("day", "The day of demand.").key().opt("the row has from and daily"),
			milli("demand", "units", "Demand of the day.").opt("the row has from and daily"),
			date("from", "Day of the first entry of daily.").key().opt("the row has day and demand"),
			column("daily", TypeMilliList, "units", MaxMilli, "Demand of successive days.").opt("the row has day and demand"),
			instant("issued_at", "When the forecast was made.").key().opt("before all others"),
			milli("quantile", "share", "The row is this quantile of demand and not its mean, 0 to 1.").upTo(1000).key().opt("the mean").later(),
		},
		Rules: []Rule{
			{
				Columns: []string{"day", "from"}, Words: "exactly one of day and from must be given",
				broken: func(v []*Vector, r int) bool { return v[0].IsNull(r) == v[1].IsNull(r) },
			},
			together("day", "demand"), together("from", "daily"),
		},
	}
}

func safetyStocksContract() *Contract {
	return &Contract{
		Table: "safety_stocks", Used: true,
		Doc: "Safety stock by date; it beats the SKU's own number.",
		Columns: []ColumnDef{
			id("item", "The product.").ref("items").key(),
			id("node", "The place.").ref("nodes").key(),
			bound("from", "First day of the value.").key(),
			units("units", "Safety stock until the next row."),
		},
	}
}

func salesContract() *Contract {
	return &Contract{
		Table: "sales", Used: false,
		Doc: "What was sold: for computed forecasts and simulation.",
		Columns: []ColumnDef{
			id("item", "The product.").ref("items").key(),
			id("node", "The place.").ref("nodes").key(),
			date("day", "The day.").key(),
			units("units", "Units sold."),
			truth("out_of_stock", "The shelf was empty that day.").opt("false"),
		},
	}
}
