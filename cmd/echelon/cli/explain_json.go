package cli

import (
	"encoding/json"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner"
)

func calendarDays(t int) calendars.Day { return calendars.Day(t) }

// object is a JSON object whose keys are sorted when it is written.
type object map[string]any

// json is the explanation for programs: days as ISO dates, quantities in units, days' values as decimals.
func (e *explained) json() any {
	out := object{
		"item": e.Item, "node": e.Node, "dc": e.DC, "cycle": e.cycle.Cycle, "tenant": e.cycle.Tenant, "as_of": instantText(e.cycle.AsOf),
		"first_day": e.Day0.String(), "held": e.Held, "orders": e.Orders, "lost": e.Lost, "policy": e.Policy,
		"position": object{
			"on_hand": e.Position.OnHand, "unusable": e.Position.Unusable, "reserved": e.Position.Reserved,
			"backorders": e.Position.Backorders, "available": e.Position.Available,
		},
		"demand": decimals(e.Demand), "floor": decimals(e.Floor), "exceptions": append([]string{}, e.Exceptions...),
		"carry_before": e.CarryBefore, "carry_after": e.CarryAfter,
		"projection": object{
			"demand": decimals(e.Projection.Demand), "receipts": decimals(e.Projection.Receipts), "planned": decimals(e.Projection.Planned),
			"on_hand": decimals(e.Projection.OnHand), "short": decimals(e.Projection.Short), "floor": decimals(e.Projection.Floor),
		},
	}
	settings := []object{}
	for _, s := range e.Settings {
		settings = append(settings, object{"name": s.Name, "value": s.Value, "scope": s.Scope})
	}
	receipts := []object{}
	for _, r := range e.Receipts {
		receipts = append(receipts, object{
			"order": r.Order, "lane": r.Lane, "usable_day": r.Day.String(), "due_day": r.Due.String(), "units": r.Units,
			"overdue": r.Overdue, "lapsed": r.Lapsed, "release": r.Forgot,
		})
	}
	promises := []object{}
	for _, p := range e.Promises {
		promises = append(promises, object{"order": p.Order, "destination": p.Destination, "pick_day": p.Pick.String(), "units": p.Units})
	}
	out["settings"], out["receipts"], out["promises"] = settings, receipts, promises
	out["opportunities"], out["nettings"], out["sharings"] = e.opportunitiesJSON(), e.nettingsJSON(), e.sharingsJSON()
	return out
}

func (e *explained) opportunitiesJSON() []object {
	list := []object{}
	for i := range e.Opportunities {
		o := &e.Opportunities[i]
		moved := object{}
		for leg, name := range [5]string{"order", "pick", "depart", "arrive", "receive"} {
			if o.Moved[leg] != "" {
				moved[name] = o.Moved[leg]
			}
		}
		list = append(list, object{
			"lane": o.Lane, "source": o.Source, "method": o.Method, "order_day": o.Order.String(), "pick_day": o.Pick.String(),
			"depart_day": o.Depart.String(), "receive_day": o.Receive.String(), "usable_day": o.Usable.String(), "window_end": o.WindowEnd.String(),
			"moved": moved, "pack": o.Pack, "need": o.Need, "wanted": o.Wanted, "quantity": o.Quantity, "tiers": o.Tiers, "ledger": ledgerJSON(o.Steps),
			"packs": packsJSON(o.Packs, o.Pack), "shared": o.Shared, "promised": o.Promised, "release": o.Release, "days_of_supply": o.DaysOfSupply, "urgency": o.Urgency,
		})
	}
	return list
}

func (e *explained) nettingsJSON() []object {
	list := []object{}
	for _, n := range e.Nettings {
		windows := []object{}
		for _, w := range n.Windows {
			windows = append(windows, object{
				"opportunity": w.Opportunity, "held": w.Held, "balance": decimal(w.Balance), "need": w.Need, "n1": w.N1, "n2": w.N2, "n3": w.N3,
				"asked": w.Asked, "wanted": w.Wanted, "ledger": ledgerJSON(w.Steps),
			})
		}
		list = append(list, object{"when": n.When, "windows": windows})
	}
	return list
}

func (e *explained) sharingsJSON() []object {
	list := []object{}
	for _, s := range e.Sharings {
		shares := []object{}
		for _, x := range s.Shares {
			shares = append(shares, object{"node": x.Node, "pick_day": x.Pick.String(), "wanted": x.Wanted, "given": x.Given, "packs": packsJSON(x.Packs, x.Pack)})
		}
		list = append(list, object{
			"dc": s.DC, "trial": s.Trial, "from": s.From.String(), "to": s.To.String(), "left": decimals(s.Left),
			"shares": shares, "rounds": s.RoundsRun,
		})
	}
	return list
}

// packsJSON lists packs in the order in which they were given; tier 0 is what was promised before.
func packsJSON(list []planner.PacksGiven, pack int64) []object {
	out := []object{}
	for _, p := range list {
		out = append(out, object{"packs": p.Packs, "units": p.Packs * pack, "tier": p.Tier, "round": p.Round})
	}
	return out
}

func ledgerJSON(list []planner.Step) []object {
	out := []object{}
	for _, s := range list {
		out = append(out, object{"reason": s.Reason.String(), "change": s.Change})
	}
	return out
}

// decimal writes thousandths exactly.
func decimal(v int64) json.Number { return json.Number(inputs.FormatMilli(v)) }

func decimals(list []int64) []json.Number {
	out := make([]json.Number, len(list))
	for i, v := range list {
		out[i] = decimal(v)
	}
	return out
}
