package build_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/inputs/build"
)

// world is a set of tables as text: each a name, a header and rows of columns parted by blanks; "-" is null.
type world map[string][]string

// with returns the world with tables added or replaced.
func (w world) with(table string, lines ...string) world {
	out := world{}
	for name, rows := range w {
		out[name] = rows
	}
	out[table] = lines
	return out
}

// rows returns the cells of a table's rows.
func (w world) rows(table string) []map[string]string {
	var out []map[string]string
	var head []string
	for i, line := range w[table] {
		cells := strings.Fields(line)
		if i == 0 {
			head = cells
			continue
		}
		row := map[string]string{}
		for k, c := range cells {
			if c != "-" {
				row[head[k]] = c
			}
		}
		out = append(out, row)
	}
	return out
}

// data makes the source; with dice, rows are shuffled and cut into batches of any size.
func (w world) data(t testing.TB, dice *rand.Rand) inputs.Dataset {
	t.Helper()
	d := inputs.Dataset{}
	for table := range w {
		rows := w.rows(table)
		if dice != nil {
			dice.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		}
		b := inputs.NewBuilder(table)
		for _, row := range rows {
			if err := b.Append(row); err != nil {
				t.Fatalf("table %s: %v", table, err)
			}
			if dice != nil && dice.IntN(3) == 0 {
				d[table] = append(d[table], b.Batch())
				b = inputs.NewBuilder(table) // dictionaries of its own
			}
		}
		if b.Rows() > 0 {
			d[table] = append(d[table], b.Batch())
		}
	}
	return d
}

// asOf is Tuesday 2026-11-24, 02:00 UTC.
var asOf = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC).UnixMicro()

func options() build.Options {
	return build.Options{Tenant: "t", AsOf: asOf, Horizon: 28}
}

func (w world) build(t testing.TB, opt build.Options) *build.Built {
	t.Helper()
	built, err := build.Snapshot(context.Background(), w.data(t, nil), opt)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// sku finds a row by ids.
func sku(t testing.TB, b *build.Built, item, node string) (*inputs.Partition, int) {
	t.Helper()
	for _, p := range b.Partitions {
		for row := range p.Item {
			if p.Item[row] >= 0 && b.Network.Items.ID[p.Item[row]] == item && b.Network.Nodes.ID[p.Node[row]] == node {
				return p, row
			}
		}
	}
	t.Fatalf("no row of %s at %s", item, node)
	return nil, 0
}

func day(t testing.TB, s string) calendars.Day {
	t.Helper()
	d, err := calendars.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// plain is a vendor, two DCs, three stores, two items: D1 serves S1 and S2, D2 serves S3, V serves both DCs.
func plain() world {
	return world{
		"nodes": {
			"node kind zone put_away_days receive_calendar rank group",
			"V vendor UTC - - - -",
			"D1 dc UTC 1 - - -",
			"D2 dc UTC - - - -",
			"S1 store UTC - weekdays 2 north",
			"S2 store America/Chicago - - - north",
			"S3 store UTC - - - -",
		},
		"items": {"item category pack layer_packs shelf_life_days sell_to", "A food 6 - 10 -", "B - - 4 - 2026-12-31"},
		"lanes": {
			"lane source destination priority prep_days transit_days",
			"VD1 V D1 - 1 2", "VD2 V D2 - 1 2", "D1S1 D1 S1 - - 1", "D1S2 D1 S2 - - 1", "D2S3 D2 S3 - - 1",
		},
		"calendars": {"calendar rule weekdays", "weekdays 1 1;2;3;4;5"},
		"skus": {
			"item node policy pack safety_units",
			"A D1 - - -", "A D2 - - -", "A S1 cover 12 -", "A S2 - - 3", "A S3 - - -", "B D1 - - -", "B S1 - - -",
		},
		"inventory": {
			"item node on_hand reserved counted_at",
			"A D1 100 5 -", "A D2 50 - -", "A S1 7 - -", "A S2 8 - 2026-11-23T12:00:30Z", "B D1 20 - -", "B S1 3 - -",
		},
		"forecasts": {
			"item node day demand from daily issued_at",
			"A S1 - - 2026-11-24 1;2;3;4;5;6;7;8;9 -",
			"A S2 - - 2026-11-23 1.5;0.25;0;4 -",
			"B S1 2026-11-25 3 - - -",
		},
	}
}
