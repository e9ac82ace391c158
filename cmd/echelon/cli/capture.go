package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/inputs"
	"echelon/inputs/feed"
	"echelon/planner"
	"echelon/publish/cycle"
	"echelon/publish/outcome"
	"echelon/publish/state"
)

// captureFlags are the flags of `capture`.
type captureFlags struct {
	where
	inputs, mapping, items, nodes, out string
}

func (a *app) captureCommand() *cobra.Command {
	var f captureFlags
	cmd := &cobra.Command{
		Use: "capture", Short: "One cycle of some items, their nodes and lanes, anonymised, as a scenario", Args: exactly(0),
		Long: "Cuts items out of the inputs of a past cycle: their rows at every node (or at --node and all that those order from),\n" +
			"taken from the folder that it planned or, without --inputs and for cycles that followed feeds, from its snapshot;\n" +
			"lanes, calendars, orders, and the releases and carry that counted. Ids are numbered in their order, names are left out,\n" +
			"quantities and days stay as they are. The file is a scenario of fixtures/scenarios; `go test ./fixtures/scenarios -update`\n" +
			"writes the layers that are expected.",
		Example: "  echelon capture --cycle 20261121T080000Z --inputs /data/tonight --item I0000036 --out fixtures/scenarios/99-shared-twice.txt",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.capture(cmd.Context(), &f) },
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.inputs, "inputs", "", "folder of input tables that the cycle planned (default: its snapshot, with the values that planning read)")
	fs.StringVar(&f.mapping, "mapping", "", "mapping file of that folder")
	fs.StringVar(&f.items, "item", "", "items: A,B")
	fs.StringVar(&f.nodes, "node", "", "only these nodes and what they order from: A,B (default: every node of the items)")
	fs.StringVar(&f.out, "out", stdoutName, "file to write; - is stdout")
	return cmd
}

func (a *app) capture(ctx context.Context, f *captureFlags) error {
	if f.items == "" {
		return usagef("--item: name the items")
	}
	if err := f.settle(); err != nil {
		return err
	}
	st, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer closing(st)
	c, snap, pol, err := f.planned(ctx, st, "")
	if err != nil {
		return err
	}
	k := &cutting{items: set(f.items), nodes: set(f.nodes), lanes: map[string]bool{}, calendars: map[string]bool{}, rows: map[string][]map[string]string{}}
	releases, carry, err := cycle.Remembered(ctx, st, c, snap.Network)
	if err != nil {
		return err
	}
	if f.inputs == "" {
		s, err := k.readSnapshot(ctx, snap, carry == nil)
		if err != nil {
			return err
		}
		releases = s.remembered(releases)
	} else if err := k.readFolder(ctx, c, f); err != nil {
		return err
	}
	k.remember(releases, carry)
	k.cut()
	var b bytes.Buffer
	fmt.Fprintf(&b, "Cut out of a cycle.\n-- settings --\nas_of %s\nhorizon_days %d\n", time.UnixMicro(c.AsOf).UTC().Format(time.RFC3339), pol.Planner.HorizonDays)
	settingsOf(&b, &pol.Planner)
	for _, name := range slices.Sorted(maps.Keys(pol.Defaults)) {
		fmt.Fprintf(&b, "defaults.%s %s\n", name, pol.Defaults[name])
	}
	if err := k.write(&b); err != nil {
		return err
	}
	if f.out == stdoutName {
		_, err = a.out.Write(b.Bytes())
		return err
	}
	return os.WriteFile(f.out, b.Bytes(), 0o644)
}

// readFolder takes the rows of the folder that a cycle planned.
func (k *cutting) readFolder(ctx context.Context, c *state.Cycle, f *captureFlags) error {
	folder, err := feed.Open(ctx, f.inputs, feed.Options{Mapping: f.mapping, Quarantine: func(inputs.Fault) {}})
	if err != nil {
		return err
	}
	for _, file := range folder.Files() {
		if c.Inputs[file.Name] != file.SHA256 {
			return outcome.New(outcome.CodeUsage, "inputs_differ", file.Name, "name the folder as it was when the cycle was planned", "cycle %s planned other rows", c.Cycle)
		}
	}
	return k.read(ctx, folder)
}

func set(list string) map[string]bool {
	m := map[string]bool{}
	for _, id := range strings.Split(list, ",") {
		if id != "" {
			m[id] = true
		}
	}
	return m
}

// settingsOf writes what a policy has beside the defaults.
func settingsOf(b *bytes.Buffer, p *planner.Policy) {
	word := func(key string, i int, words ...string) {
		if i > 0 {
			fmt.Fprintf(b, "%s %s\n", key, words[i])
		}
	}
	on := func(key, value string, v bool) {
		if v {
			fmt.Fprintf(b, "%s %s\n", key, value)
		}
	}
	number := func(key string, n int) {
		if n > 0 {
			fmt.Fprintf(b, "%s %d\n", key, n)
		}
	}
	word("lines", int(p.Lines), "window", "all")
	on("missing_position", "zero", p.MissingZero)
	word("sharing.rule", int(p.ShareRule), "days", "fill", "proportional", "priority")
	on("sharing.ranks_before_tiers", "true", p.RanksBeforeTiers)
	word("sharing.reserve", int(p.Reserve), "none", "safety", "safety_beyond")
	number("sharing.reserve_days", p.ReserveDays)
	number("sharing.window_days", p.WindowDays)
	on("orders.expedited", "true", p.OrderExpedited)
	on("releases.order_feed", "none", p.OrderFeedNone)
}

// cutting is rows of tables on their way into a scenario.
type cutting struct {
	items, nodes, lanes, calendars map[string]bool
	rows                           map[string][]map[string]string
}

// read takes all rows of the tables that the engine plans with.
func (k *cutting) read(ctx context.Context, src inputs.Source) error {
	for _, c := range inputs.Contracts() {
		if !c.Used || !src.Has(c.Table) {
			continue
		}
		r, err := src.Open(ctx, c.Table)
		if err != nil {
			return err
		}
		for {
			b, err := r.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return errors.Join(err, r.Close())
			}
			for row := range b.Rows {
				cells := map[string]string{}
				for i := range c.Columns {
					if v := inputs.FormatCell(&c.Columns[i], &b.Columns[i], row); v != "" {
						cells[c.Columns[i].Name] = v
					}
				}
				if item := cells["item"]; item == "" || k.items[item] {
					k.rows[c.Table] = append(k.rows[c.Table], cells)
				}
			}
		}
		if err := r.Close(); err != nil {
			return err
		}
	}
	return nil
}

// remember adds what earlier cycles left as rows.
func (k *cutting) remember(releases []inputs.Release, carry []inputs.CarryEntry) {
	at := func(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }
	for i := range releases {
		if r := &releases[i]; k.items[r.Item] {
			k.rows["releases"] = append(k.rows["releases"], map[string]string{
				"release_id": r.ID, "item": r.Item, "destination": r.Destination, "source": r.Source, "lane": r.Lane,
				"quantity": fmt.Sprint(r.Quantity), "order_day": r.OrderDay.String(), "pick_day": r.PickDay.String(),
				"receive_day": r.ReceiveDay.String(), "cycle": r.Cycle, "as_of": at(r.AsOf), "grace_until": at(r.GraceUntil),
			})
		}
	}
	for _, c := range carry {
		if k.items[c.Item] && c.Units != 0 {
			k.rows["carry"] = append(k.rows["carry"], map[string]string{"item": c.Item, "node": c.Node, "units": fmt.Sprint(c.Units)})
		}
	}
}

// cut leaves the nodes of the items (or those given), what they order from, and what belongs to those.
func (k *cutting) cut() {
	if len(k.nodes) == 0 {
		for _, r := range k.rows["skus"] {
			k.nodes[r["node"]] = true
		}
	}
	for grew := true; grew; {
		grew = false
		for _, r := range k.rows["lanes"] {
			if k.nodes[r["destination"]] {
				grew = grew || !k.nodes[r["source"]]
				k.nodes[r["source"]], k.lanes[r["lane"]] = true, true
			}
		}
	}
	of := map[string]map[string]bool{"items": k.items, "nodes": k.nodes, "lanes": k.lanes, "calendars": k.calendars}
	keep := func(c *inputs.Contract) {
		k.rows[c.Table] = slices.DeleteFunc(k.rows[c.Table], func(r map[string]string) bool {
			for i := range c.Columns {
				def := &c.Columns[i]
				v := r[def.Name]
				if in := of[refOf(c, def)]; v != "" && in != nil && !in[v] && def.Ref != "calendars" && def.Name != "home_dc" {
					return true
				}
			}
			for i := range c.Columns {
				if def := &c.Columns[i]; def.Ref == "calendars" && r[def.Name] != "" && c.Table != "calendar_days" {
					k.calendars[r[def.Name]] = true
				}
				if def := &c.Columns[i]; def.Name == "home_dc" && !k.nodes[r["home_dc"]] {
					delete(r, "home_dc")
				}
			}
			return false
		})
	}
	for _, last := range []bool{false, true} { // calendars once it is known which are used
		for _, c := range inputs.Contracts() {
			if strings.HasPrefix(c.Table, "calendar") == last {
				keep(c)
			}
		}
	}
	k.rows["calendar_days"] = slices.DeleteFunc(k.rows["calendar_days"], func(r map[string]string) bool { return !k.calendars[r["calendar"]] })
}

// refOf names the table whose ids a column holds; its own for the key of a dictionary.
func refOf(c *inputs.Contract, def *inputs.ColumnDef) string {
	if def.Ref == "" && def.Key && def.Type == inputs.TypeID && def.Name+"s" == c.Table {
		return c.Table
	}
	return def.Ref
}

// write numbers the ids in their order and writes the tables.
func (k *cutting) write(b *bytes.Buffer) error {
	ids := map[string]map[string]string{}
	kind := func(c *inputs.Contract, def *inputs.ColumnDef) string {
		switch {
		case refOf(c, def) != "":
			return refOf(c, def)
		case def.Type == inputs.TypeID || def.Name == "release_id" || def.Name == "category" || def.Name == "group":
			return def.Name
		}
		return ""
	}
	each := func(f func(c *inputs.Contract, def *inputs.ColumnDef, r map[string]string)) {
		for _, c := range inputs.Contracts() {
			for _, r := range k.rows[c.Table] {
				for i := range c.Columns {
					if r[c.Columns[i].Name] != "" {
						f(c, &c.Columns[i], r)
					}
				}
			}
		}
	}
	each(func(c *inputs.Contract, def *inputs.ColumnDef, r map[string]string) {
		if w := kind(c, def); w != "" {
			if ids[w] == nil {
				ids[w] = map[string]string{}
			}
			ids[w][r[def.Name]] = ""
		}
	})
	for w, names := range ids {
		for i, id := range slices.Sorted(maps.Keys(names)) {
			names[id] = fmt.Sprintf("%s%04d", strings.ToUpper(w[:1]), i+1)
		}
	}
	each(func(c *inputs.Contract, def *inputs.ColumnDef, r map[string]string) {
		switch w := kind(c, def); {
		case w != "":
			r[def.Name] = ids[w][r[def.Name]]
		case def.Type == inputs.TypeText && (def.Name == "name" || def.Name == "why"):
			delete(r, def.Name)
		}
	})
	for _, c := range inputs.Contracts() {
		var head []string
		for i := range c.Columns {
			if slices.ContainsFunc(k.rows[c.Table], func(r map[string]string) bool { return r[c.Columns[i].Name] != "" }) {
				head = append(head, c.Columns[i].Name)
			}
		}
		if len(head) == 0 {
			continue
		}
		fmt.Fprintf(b, "-- %s.csv --\n", c.Table)
		w := csv.NewWriter(b)
		_ = w.Write(head) // the error stays in w
		for _, r := range k.rows[c.Table] {
			cells := make([]string, len(head))
			for i, name := range head {
				cells[i] = r[name]
			}
			_ = w.Write(cells)
		}
		w.Flush()
		if err := w.Error(); err != nil {
			return err
		}
	}
	return nil
}
