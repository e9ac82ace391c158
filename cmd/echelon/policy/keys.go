package policy

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"echelon/inputs"
	"echelon/planner"
)

// errLater marks a key of the policy that this version knows and does not follow yet.
var errLater = errors.New("is not there yet in this version: take it out")

// scalars are the keys without a name inside them.
var scalars = map[string]func(f *File, v string) error{
	"horizon_days":     func(f *File, v string) error { return whole(v, 14, 91, &f.Planner.HorizonDays) },
	"lines":            func(f *File, v string) error { return word(v, &f.Planner.Lines, "window", "all") },
	"projections":      func(f *File, v string) error { return word(v, &f.Planner.Projections, "notable", "all", "none") },
	"missing_position": func(f *File, v string) error { return choice(v, &f.Planner.MissingZero, "hold", "zero") },
	"sharing.rule": func(f *File, v string) error {
		return word(v, &f.Planner.ShareRule, "days", "fill", "proportional", "priority")
	},
	"sharing.ranks_before_tiers": func(f *File, v string) error { return choice(v, &f.Planner.RanksBeforeTiers, "false", "true") },
	"sharing.reserve":            func(f *File, v string) error { return word(v, &f.Planner.Reserve, "none", "safety", "safety_beyond") },
	"sharing.reserve_days":       func(f *File, v string) error { return whole(v, 0, 91, &f.Planner.ReserveDays) },
	"sharing.window_days":        func(f *File, v string) error { return whole(v, 0, 91, &f.Planner.WindowDays) },
	"lanes.early":                later,
	"lanes.early_other_dc":       later,
	"lanes.next":                 later,
	"lanes.next_other_dc":        later,
	"orders.expedited":           func(f *File, v string) error { return choice(v, &f.Planner.OrderExpedited, "false", "true") },
	"releases.grace_hours":       func(f *File, v string) error { return whole(v, 1, 24*91, &f.Planner.GraceHours) },
	"releases.order_feed":        func(f *File, v string) error { return choice(v, &f.Planner.OrderFeedNone, "orders", "none") },
	"partitions":                 func(f *File, v string) error { return f.partitions("", v) },
	"partitioner":                func(f *File, v string) error { f.Partitioner[""] = v; return nil },
	"keep":                       func(f *File, v string) error { return whole(strings.TrimSuffix(v, "d"), 1, 3650, &f.KeepDays) },
}

// families are the keys that end in a name; the function gets the name.
var families = map[string]func(f *File, name, v string) error{
	"layers": func(f *File, name, v string) error {
		l, err := layerOf(name)
		if err != nil {
			return err
		}
		return choice(v, &f.Planner.LayersOff[l], "on", "off")
	},
	"topics": func(f *File, name, v string) error {
		if _, err := layerOf(name); err != nil {
			return err
		}
		f.Topics[name] = v
		return nil
	},
	"partitions": func(f *File, name, v string) error {
		if _, err := layerOf(name); err != nil {
			return err
		}
		return f.partitions(name, v)
	},
	"partitioner": func(f *File, name, v string) error {
		if _, err := layerOf(name); err != nil {
			return err
		}
		f.Partitioner[name] = v
		return nil
	},
	"defaults": func(f *File, name, v string) error {
		c := inputs.ContractOf("skus")
		i := c.Index(name)
		if i < 0 || c.Columns[i].Key {
			names := make([]string, 0, len(c.Columns))
			for _, col := range c.Columns {
				if !col.Key {
					names = append(names, col.Name)
				}
			}
			return fmt.Errorf("no parameter %q; nearest: %s", name, nearest(name, names))
		}
		f.Defaults[name] = v
		return nil
	},
	"gates": gate,
}

// set takes one key of the file.
func (f *File) set(key, value string) error {
	set, ok := scalars[key]
	if ok {
		if err := set(f, value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
	head, name, _ := strings.Cut(key, ".")
	if family, ok := families[head]; ok && name != "" {
		if err := family(f, name, value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
	return fmt.Errorf("unknown key %q; nearest: %s", key, nearest(key, known()))
}

func later(*File, string) error { return errLater }

func (f *File) partitions(layer, v string) error {
	var n int
	if err := whole(v, 1, 100000, &n); err != nil {
		return err
	}
	f.Partitions[layer] = n
	return nil
}

// refuseAt is where each measure of a gate refuses, in thousandths, when the policy sets only where it degrades.
var refuseAt = map[string]int64{"quarantined": 50, "rows": 200, "unconfirmed": 500, "freshness": -1}

// gate reads gates.TABLE.MEASURE.degrade|refuse: a share or "off"; of freshness an age such as 90m.
func gate(f *File, name, v string) error {
	parts := strings.Split(name, ".")
	if len(parts) != 3 {
		return errors.New("want gates.TABLE.MEASURE.degrade or .refuse")
	}
	table, measure, level := parts[0], parts[1], parts[2]
	if inputs.ContractOf(table) == nil {
		return fmt.Errorf("unknown table %q; nearest: %s", table, nearest(table, inputs.TableNames()))
	}
	measures := slices.Sorted(maps.Keys(refuseAt))
	if !slices.Contains(measures, measure) {
		return fmt.Errorf("unknown measure %q; nearest: %s", measure, nearest(measure, measures))
	}
	if measure == "unconfirmed" && (table != "releases" || level != "refuse" || v != "off") {
		return errors.New("want gates.releases.unconfirmed.refuse: off, or leave it out: more than half unnamed carries the DC forward")
	}
	limit := int64(-1)
	switch {
	case v == "off" || v == "false":
	case measure == "freshness":
		age, err := time.ParseDuration(v)
		if err != nil || age < time.Second || age > 10*365*24*time.Hour {
			return fmt.Errorf("%q: want an age such as 90m or 36h, or off", v)
		}
		limit = int64(age / time.Second)
	default:
		r, ok := new(big.Rat).SetString(v)
		if !ok || r.Sign() < 0 || r.Cmp(big.NewRat(1, 1)) > 0 {
			return fmt.Errorf("%q: want a share from 0 to 1, or off", v)
		}
		r.Mul(r, big.NewRat(1000, 1))
		if !r.IsInt() {
			return fmt.Errorf("%q: at most three decimals", v)
		}
		limit = r.Num().Int64()
	}
	i := slices.IndexFunc(f.Gates, func(g Gate) bool { return g.Table == table && g.Measure == measure })
	if i < 0 {
		i = len(f.Gates)
		f.Gates = append(f.Gates, Gate{Table: table, Measure: measure, Degrade: -1, Refuse: refuseAt[measure]})
	}
	switch level {
	case "degrade":
		f.Gates[i].Degrade = limit
	case "refuse":
		f.Gates[i].Refuse = limit
	default:
		return fmt.Errorf("%q: want degrade or refuse", level)
	}
	return nil
}

func layerOf(name string) (planner.LayerID, error) {
	names := make([]string, 0, planner.NumLayers)
	for id := planner.LayerID(0); id < planner.NumLayers; id++ {
		if planner.LayerOf(id).Name == name {
			return id, nil
		}
		names = append(names, planner.LayerOf(id).Name)
	}
	return 0, fmt.Errorf("unknown layer %q; nearest: %s", name, nearest(name, names))
}

func whole(v string, lo, hi int, to *int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < lo || n > hi {
		return fmt.Errorf("%q: want a whole number from %d to %d", v, lo, hi)
	}
	*to = n
	return nil
}

// word sets to to the position of v in words.
func word[T ~uint8](v string, to *T, words ...string) error {
	i := slices.Index(words, v)
	if i < 0 {
		return fmt.Errorf("%q: want one of %s", v, strings.Join(words, ", "))
	}
	*to = T(i)
	return nil
}

// choice sets to to whether v is the second word. YAML's own true and false stand for on and off.
func choice(v string, to *bool, no, yes string) error {
	switch {
	case v == no, no == "on" && v == "true":
		*to = false
	case v == yes, yes == "off" && v == "false":
		*to = true
	default:
		return fmt.Errorf("%q: want %s or %s", v, no, yes)
	}
	return nil
}

func known() []string {
	var names []string
	for k := range scalars {
		names = append(names, k)
	}
	for k := range families {
		names = append(names, k+".…")
	}
	slices.Sort(names)
	return names
}

// nearest is the known word that somebody may have meant.
func nearest(word string, words []string) string {
	near, _ := inputs.Nearest(word, words)
	return near
}
