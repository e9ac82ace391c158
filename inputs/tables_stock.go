package inputs

func inventoryContract() *Contract {
	return &Contract{
		Table: "inventory", Required: true, Used: true,
		Doc: "What was counted. A SKU without a row is held, never planned from stock 0.",
		Columns: []ColumnDef{
			id("item", "The product.").ref("items").key(),
			id("node", "The place.").ref("nodes").key(),
			units("on_hand", "Counted stock, unusable and reserved included."),
			units("reserved", "Promised to customers whose orders are not part of the forecast any more.").opt("0"),
			units("unusable", "Damaged, on hold or expired: a part of on_hand.").opt("0"),
			units("backorders", "Accepted demand past due and still owed.").opt("0"),
			instant("counted_at", "When it was counted.").opt("before day 0"),
		},
		Rules: []Rule{notOver("unusable", "on_hand")},
	}
}

func lotsContract() *Contract {
	return &Contract{
		Table: "lots", Used: true,
		Doc: "Stock with a last usable day; a part of on_hand.",
		Columns: []ColumnDef{
			id("item", "The product.").ref("items").key(),
			id("node", "The place.").ref("nodes").key(),
			bound("expires", "Last usable day.").key(),
			units("quantity", "Units of the lot."),
		},
	}
}

// The words of open_orders.status: the values of its Ints.
const (
	StatusPlanned int64 = iota
	StatusReleased
	StatusConfirmed
	StatusShipped
	StatusReceived
	StatusClosed
)

func openOrdersContract() *Contract {
	return &Contract{
		Table: "open_orders", Used: true,
		Doc: "Order lines that the order system knows.",
		Columns: []ColumnDef{
			id("order", "The order.").key(),
			number("line", "Its line.").key(),
			id("item", "The product.").ref("items"),
			id("destination", "Where it goes.").ref("nodes"),
			id("source", "Where it comes from.").ref("nodes").opt("its lane's"),
			id("lane", "The route.").ref("lanes").opt("not known"),
			units("ordered", "Units ordered."),
			units("shipped", "Units shipped so far.").opt("0, or all of it when the status is shipped"),
			units("received", "Units received so far.").opt("0"),
			units("cancelled", "Units cancelled.").opt("0"),
			date("ordered_on", "Order day at the source.").opt("before day 0"),
			date("pick_on", "Pick day at the source.").opt("from ordered_on by the lane's pick leg"),
			date("due_on", "Day at the destination's dock, put-away not included."),
			enum("status", "How far it is.", "planned", "released", "confirmed", "shipped", "received", "closed"),
			truth("firm", "Must not be changed.").opt("false").later(),
			text("release_id", "The release of ours that it executes.").opt("not ours"),
		},
		Rules: []Rule{
			{
				Columns: []string{"received", "cancelled", "ordered"}, Words: "received and cancelled together must not be over ordered",
				broken: func(v []*Vector, r int) bool { return v[0].Int(r, 0)+v[1].Int(r, 0) > v[2].Int(r, 0) },
			},
			notOver("shipped", "ordered"),
			ordered("ordered_on", "pick_on"),
		},
	}
}

func releasesContract() *Contract {
	return &Contract{
		Table: "releases", Used: true,
		Doc: "Released lines of earlier published cycles. Each counts like an open order until one names it or its grace is over.",
		Columns: []ColumnDef{
			text("release_id", "The release.").key(),
			id("item", "The product.").ref("items"),
			id("destination", "Where it goes.").ref("nodes"),
			id("source", "Where it comes from.").ref("nodes"),
			id("lane", "The route.").ref("lanes"),
			units("quantity", "Units released.").from(1),
			date("order_day", "Order day at the source."),
			date("pick_day", "Pick day at the source."),
			date("receive_day", "Day at the destination's dock."),
			id("cycle", "The cycle that released it."),
			instant("as_of", "As-of of that cycle."),
			instant("grace_until", "Until when it counts unanswered."),
		},
		Rules: []Rule{ordered("order_day", "pick_day"), ordered("as_of", "grace_until")},
	}
}

func carryContract() *Contract {
	return &Contract{
		Table: "carry", Used: true,
		Doc: "Units wanted and not got since last served in full. Written by the last published cycle.",
		Columns: []ColumnDef{
			id("item", "The product.").ref("items").key(),
			id("node", "The place.").ref("nodes").key(),
			column("units", TypeUnits, "units", MaxMilli, "Wanted and not got, added up over cycles."),
			id("cycle", "The cycle that wrote it.").opt("not said"),
		},
	}
}
