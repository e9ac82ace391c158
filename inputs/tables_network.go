package inputs

func nodesContract() *Contract {
	return &Contract{
		Table: "nodes", Required: true, Used: true,
		Doc: "Places that hold or supply stock.",
		Columns: []ColumnDef{
			id("node", "The place.").key(),
			enum("kind", "What it is.", "vendor", "dc", "store"),
			text("name", "For people.").opt("no name"),
			zone("zone", "IANA time zone that decides its civil days and cut-offs."),
			enum("unmet", "What unmet demand does.", "lost", "backordered").opt("lost for stores, else backordered"),
			bound("open_from", "First day on which it sells.").opt("open since ever"),
			bound("open_to", "Last day on which it sells.").opt("no end"),
			id("receive_calendar", "Days on which it receives.").ref("calendars").opt("always open"),
			id("pick_calendar", "Days on which it picks and ships.").ref("calendars").opt("always open"),
			id("order_calendar", "Days on which it orders (a vendor: takes orders).").ref("calendars").opt("always open"),
			days("put_away_days", "From the dock to usable, elapsed days.").upTo(365).opt("0"),
			id("home_dc", "The DC whose partition plans its rows that no DC serves.").ref("nodes").
				opt("the source of its first lane from a DC"),
			days("frozen_days", "Days from day 0 in which nothing changes.").upTo(365).opt("0").later(),
			truth("reserved_includes_transfers", "Its reserved stock already contains transfers to children.").opt("false"),
			number("rank", "Priority class, 1 first.").from(1).upTo(32767).opt("cascade, at its end 1"),
			text("group", "Region, banner or another group that parameters can name.").opt("no group"),
		},
		Rules: []Rule{ordered("open_from", "open_to")},
	}
}

func itemsContract() *Contract {
	return &Contract{
		Table: "items", Required: true, Used: true,
		Doc: "Products, whatever their packaging.",
		Columns: []ColumnDef{
			id("item", "The product.").key(),
			text("name", "For people.").opt("no name"),
			text("category", "Category that parameters can name.").opt("no category"),
			volume("volume", "Volume of a unit.").opt("unknown: left out of sums, and counted"),
			weight("weight", "Weight of a unit.").opt("unknown: left out of sums, and counted"),
			money("cost", "Cost of a unit.").opt("unknown: left out of sums, and counted"),
			money("price", "Price of a unit.").opt("unknown: left out of sums, and counted"),
			currency("currency", "Currency of cost and price.").opt("unknown"),
			units("pack", "Units of a case pack.").from(1).opt("cascade, at its end 1"),
			number("layer_packs", "Packs of a pallet layer.").in("packs").from(1).upTo(1_000_000).opt("no layer"),
			number("pallet_packs", "Packs of a full pallet.").in("packs").from(1).upTo(1_000_000).opt("no pallet"),
			days("shelf_life_days", "Days it can be sold after it is received.").from(1).opt("does not expire"),
			bound("sell_from", "First day of sale.").opt("since ever"),
			bound("sell_to", "Last day of sale.").opt("no end"),
			id("successor", "Item that takes over its demand.").ref("items").opt("none").later(),
			date("successor_from", "Day from which the successor takes over.").opt("none").later(),
			enum("handling", "How it is stored and carried.", "ambient", "chilled", "frozen", "fresh", "hazardous").opt("ambient"),
		},
		Rules: []Rule{ordered("sell_from", "sell_to"), together("successor", "successor_from")},
	}
}

func lanesContract() *Contract {
	return &Contract{
		Table: "lanes", Required: true, Used: true,
		Doc: "Directed routes from a source to a destination, with calendars and transit.",
		Columns: []ColumnDef{
			id("lane", "The route.").key(),
			id("source", "Where goods come from.").ref("nodes"),
			id("destination", "Where goods go to.").ref("nodes"),
			text("method", "Shipping method.").opt("not named"),
			number("priority", "Lowest first; ties by lane id.").opt("0"),
			id("order_calendar", "Days on which it can be ordered.").ref("calendars").opt("always open"),
			timeOfDay("cutoff", "Latest order time on the order day, in the source's zone.").opt("end of the day"),
			days("prep_days", "Open days of the source from order to pick.").upTo(365).opt("0"),
			id("depart_calendar", "Days on which it departs.").ref("calendars").opt("always open"),
			days("transit_days", "Days on the way.").upTo(365).opt("0"),
			id("transit_calendar", "Days on which the carrier moves.").ref("calendars").opt("elapsed days"),
			id("receive_calendar", "Days on which the destination receives this lane.").ref("calendars").opt("the node's"),
			bound("valid_from", "First order day.").opt("since ever"),
			bound("valid_to", "Last order day.").opt("no end"),
			volume("vehicle_volume", "Volume of a vehicle.").from(1).opt("no limit").later(),
			weight("vehicle_weight", "Weight a vehicle carries.").from(1).opt("no limit").later(),
			number("vehicle_pallets", "Pallet places of a vehicle.").in("pallets").from(1).upTo(1_000_000).opt("no limit").later(),
			number("vehicles_per_day", "Vehicles a departure day has.").in("vehicles").upTo(1_000_000).opt("no limit").later(),
			milli("min_fill", "share", "Smallest fill of the last vehicle, 0 to 1.").upTo(1000).opt("0").later(),
		},
		Rules: []Rule{
			ordered("valid_from", "valid_to"),
			{
				Columns: []string{"source", "destination"}, Words: "source and destination must differ",
				broken: func(v []*Vector, r int) bool { return v[0].Str(r) == v[1].Str(r) },
			},
		},
	}
}

func calendarsContract() *Contract {
	return &Contract{
		Table: "calendars", Used: true,
		Doc: "Rules of open-day sets: weekdays, or every n days from an anchor. The highest matching rule decides; a dated exception beats all; no match is closed.",
		Columns: []ColumnDef{
			id("calendar", "The open-day set.").key(),
			number("rule", "Number of the rule; the highest that matches decides.").key(),
			weekdays("weekdays", "Weekdays the rule matches.").opt("see every; with neither, every day"),
			days("every", "Matches every n days from the anchor.").from(1).opt("see weekdays; with neither, every day"),
			date("anchor", "A day that `every` matches.").opt("none"),
			bound("valid_from", "First day of the rule.").opt("since ever"),
			bound("valid_to", "Last day of the rule.").opt("no end"),
			enum("state", "What the rule says.", "open", "closed").opt("open"),
		},
		Rules: []Rule{
			together("every", "anchor"), ordered("valid_from", "valid_to"),
			{
				Columns: []string{"weekdays", "every"}, Words: "weekdays or every, not both",
				broken: bothGiven,
			},
		},
	}
}

func calendarDaysContract() *Contract {
	return &Contract{
		Table: "calendar_days", Used: true,
		Doc: "Dated exceptions of open-day sets. Holiday tables and iCalendar files are imported into this table.",
		Columns: []ColumnDef{
			id("calendar", "The open-day set.").key(),
			date("date", "The day.").key(),
			enum("state", "What the day is.", "open", "closed").opt("closed"),
			text("why", "For people: the holiday's name.").opt("not said"),
		},
	}
}
