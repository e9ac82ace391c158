package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"echelon/inputs"
	"echelon/planner"
	"echelon/planner/net"
)

// The peers net the same rows by the same rules, as far as all of them can express them: store rows of the default
// network with their own demand, opening position, receipts, lane tables, floors (safety stock in units, presentation
// minimum) and packs; policy net, unmet demand lost. Left out, for all of them: policies, caps, minimum orders, dead
// bands, safety stock in days, lots, dates, sharing, tiers, ledger, lines. All must order the same.
//
// peers.py nets in DuckDB and in numpy. It needs Python with numpy and duckdb (ECHELON_PYTHON names it, else python3);
// without them these two are left out and the output says so.

//go:embed peers.py
var peersProgram []byte

// peerBlock is the rows of one lane class.
type peerBlock struct {
	Rows   int     `json:"rows"`
	Days   int     `json:"days"`
	Usable []int32 `json:"usable"`
	End    []int32 `json:"end"`

	avail, floor, pack []int32 // milli, milli, units
	demand, receipts   []int32 // [day][row], milli
	orders             []int32 // [opportunity][row], units
	table              net.Table
	facts              []net.Facts
	own                [][]int64
	in                 [][]net.Receipt
	lots               [][]net.Lot
}

// peers nets the same rows in several ways and compares what they order.
func peers(ctx context.Context, s settings, report func(result)) error {
	m, err := inMemory(ctx, s)
	if err != nil {
		return err
	}
	blocks, err := peerRows(m)
	if err != nil {
		return err
	}
	var rows int64
	for _, b := range blocks {
		rows += int64(b.Rows)
	}
	if rows == 0 {
		return errors.New("no row of the network can be netted by all peers")
	}
	base := 0.0
	line := func(name string, n int64, seconds, cpu float64) {
		r := result{SKUs: n, Seconds: seconds, CPUSeconds: cpu, NsPerSKUCore: seconds * 1e9 / float64(n), Text: name}
		if base > 0 {
			r.Ratio, r.RatioTo = r.NsPerSKUCore/base, "Echelon's time"
		} else {
			base = r.NsPerSKUCore
		}
		report(r)
	}
	took, err := timed(ctx, s, func() error { return netRows(blocks) })
	if err != nil {
		return err
	}
	line("Echelon, row by row", rows, took.wall, took.cpu)
	want := make([][]int32, len(blocks))
	for i, b := range blocks {
		want[i] = slices.Clone(b.orders)
	}
	skus := plainSKUs(blocks)
	took, err = timed(ctx, s, func() error { return netPlainly(skus) })
	if err != nil {
		return err
	}
	line("Go structs and maps", rows, took.wall, took.cpu)
	if err := samePlain(skus, blocks, want); err != nil {
		return err
	}
	others, err := netInPython(ctx, s, blocks, want)
	if err != nil {
		return err
	}
	for _, o := range others {
		line(o.Name, o.Rows, o.Seconds, o.CPU)
	}
	return nil
}

// peerRows takes the rows that all peers can express out of a loaded network.
func peerRows(m *memory) ([]*peerBlock, error) {
	tables, err := planner.Tables(m.net, m.cfg.AsOf)
	if err != nil {
		return nil, err
	}
	byClass := make([]*peerBlock, len(tables))
	const not = inputs.FlagOwn | inputs.FlagHeld | inputs.FlagNoLane | inputs.FlagLaneCycle
	for _, dc := range m.net.DCs {
		p := m.parts[dc]
		for row := range p.Item {
			if p.Item[row] == inputs.None || p.Flags[row]&not != 0 || p.Flags[row]&inputs.FlagLost == 0 {
				continue
			}
			avail := int64(p.OnHand[row]) - int64(p.Unusable[row]) - int64(p.Reserved[row])
			class := m.net.LaneSets[p.LaneSet[row]].Class
			if avail < 0 || tables[class].Planned == 0 || p.TileWidth[row/inputs.TileRows] > 2 {
				continue
			}
			b := byClass[class]
			if b == nil {
				b = newPeerBlock(tables[class], p.Horizon)
				byClass[class] = b
			}
			b.add(m.net, p, row, avail)
		}
	}
	blocks := slices.DeleteFunc(byClass, func(b *peerBlock) bool { return b == nil })
	for _, b := range blocks {
		b.columns()
	}
	return blocks, nil
}

func newPeerBlock(t net.Table, horizon int) *peerBlock {
	b := &peerBlock{table: t, Days: horizon}
	for k := range t.Planned {
		b.Usable = append(b.Usable, t.Opps[k].Usable)
		b.End = append(b.End, t.End(k, 0))
		b.Days = max(b.Days, int(t.End(k, 0))+1)
	}
	return b
}

func (b *peerBlock) add(n *inputs.Network, p *inputs.Partition, row int, avail int64) {
	own := make([]int64, p.Horizon)
	for t := range own {
		own[t] = p.Demand(row, t)
	}
	var in []net.Receipt
	if p.Flags[row]&inputs.FlagInbound != 0 {
		lo, hi := inputs.Range(p.Inbound.Row, int32(row))
		for i := lo; i < hi; i++ {
			if p.Inbound.Flags[i]&inputs.OrderLapsed == 0 && int(p.Inbound.Day[i]) < b.Days {
				in = append(in, net.Receipt{Day: p.Inbound.Day[i], Lane: -1, Units: p.Inbound.Qty[i]})
			}
		}
	}
	lots := make([]net.Lot, len(n.LotSets[p.LotSet[row]]))
	pack := int64(max(n.LotSets[p.LotSet[row]][0].Pack, 1))
	for i := range lots {
		lots[i].Pack = pack
	}
	b.facts = append(b.facts, net.Facts{
		H: p.Horizon, Lost: true, Expedited: true, Policy: net.PolicyNet, Avail: avail * 1000, Cap: -1,
		Safety: int64(p.SafetyUnits[row]), Present: int64(p.Presentation[row]), From: net.FarPast, To: net.FarDay,
	})
	b.own, b.in, b.lots = append(b.own, own), append(b.in, in), append(b.lots, lots)
	b.avail = append(b.avail, int32(avail*1000))
	b.floor = append(b.floor, 1000*max(p.SafetyUnits[row], p.Presentation[row]))
	b.pack = append(b.pack, int32(pack))
	b.Rows++
}

// columns turns demand and receipts day-major, demand repeated past the horizon.
func (b *peerBlock) columns() {
	b.demand, b.receipts = make([]int32, b.Days*b.Rows), make([]int32, b.Days*b.Rows)
	b.orders = make([]int32, len(b.Usable)*b.Rows)
	for r, own := range b.own {
		for t := range b.Days {
			at := t
			if h := len(own); t >= h {
				at = h - 7 + (t-h)%7
			}
			b.demand[t*b.Rows+r] = int32(own[at])
		}
		for _, in := range b.in[r] {
			b.receipts[int(in.Day)*b.Rows+r] += int32(in.Units * 1000)
		}
	}
}

// netRows is Echelon's netting of single rows.
func netRows(blocks []*peerBlock) error {
	var swift net.Swift
	for _, b := range blocks {
		clear(b.orders)
		for r := range b.facts {
			if !swift.Run(&b.facts[r], b.own[r], b.in[r], nil, b.lots[r], &b.table) {
				return errors.New("a row is not for the short way")
			}
			for i := range swift.Orders {
				b.orders[int(swift.Orders[i].Opp)*b.Rows+r] = int32(swift.Orders[i].Wanted)
			}
		}
	}
	return nil
}

// plainSKU is a row as ordinary code would hold it.
type plainSKU struct {
	OnHand   float64
	Floor    float64
	Pack     float64
	Forecast map[int]float64
	Receipts map[int]float64
	Windows  []plainWindow
	Orders   map[int]float64
}

type plainWindow struct{ First, Last int }

func plainSKUs(blocks []*peerBlock) []*plainSKU {
	var skus []*plainSKU
	for _, b := range blocks {
		for r := range b.Rows {
			s := &plainSKU{
				OnHand: float64(b.avail[r]), Floor: float64(b.floor[r]), Pack: float64(b.pack[r]) * 1000,
				Forecast: map[int]float64{}, Receipts: map[int]float64{},
			}
			for t := range b.Days {
				s.Forecast[t] = float64(b.demand[t*b.Rows+r])
				if q := b.receipts[t*b.Rows+r]; q != 0 {
					s.Receipts[t] = float64(q)
				}
			}
			for k := range b.Usable {
				s.Windows = append(s.Windows, plainWindow{int(b.Usable[k]), int(b.End[k])})
			}
			skus = append(skus, s)
		}
	}
	return skus
}

// netPlainly nets day by day. Thousandths are whole numbers, so the floats are exact.
func netPlainly(skus []*plainSKU) error {
	for _, s := range skus {
		s.Orders = map[int]float64{}
		stock, day := s.OnHand, 0
		for _, w := range s.Windows {
			for ; day < w.First; day++ {
				stock = max(0, stock+s.Receipts[day]+s.Orders[day]-s.Forecast[day])
			}
			balance, need := stock, 0.0
			for t := w.First; t <= w.Last; t++ {
				balance += s.Receipts[t] - s.Forecast[t]
				need = max(need, s.Floor-balance)
			}
			if need > 0 {
				units := float64(int((need + 999) / 1000))
				packs := float64(int((units*1000 + s.Pack - 1) / s.Pack))
				s.Orders[w.First] = packs * s.Pack
			}
		}
	}
	return nil
}

func samePlain(skus []*plainSKU, blocks []*peerBlock, want [][]int32) error {
	i := 0
	for n, b := range blocks {
		for r := range b.Rows {
			for k, a := range b.Usable {
				if got := int32(skus[i].Orders[int(a)] / 1000); got != want[n][k*b.Rows+r] {
					return fmt.Errorf("structs and maps: class %d, row %d, opportunity %d: %d units, want %d", n, r, k, got, want[n][k*b.Rows+r])
				}
			}
			i++
		}
	}
	return nil
}

// pythonResult is one line of peers.py.
type pythonResult struct {
	Name    string  `json:"name"`
	Rows    int64   `json:"rows"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu"`
	Missing string  `json:"missing"`
}

// netInPython hands the blocks to peers.py, which nets them, compares its orders with ours and tells its times.
func netInPython(ctx context.Context, s settings, blocks []*peerBlock, want [][]int32) ([]pythonResult, error) {
	python := os.Getenv("ECHELON_PYTHON")
	if python == "" {
		python = "python3"
	}
	dir := filepath.Join(s.dir, "peers")
	if err := writePeers(dir, blocks, want); err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, filepath.Join(dir, "peers.py"), dir, fmt.Sprint(s.runs))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			fmt.Fprintln(os.Stderr, "peers in Python are left out: no", python)
			return nil, nil
		}
		return nil, fmt.Errorf("%s: %w", python, err)
	}
	var all []pythonResult
	for line := range slices.Values(slices.Collect(lines(out))) {
		var r pythonResult
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("peers.py: %w", err)
		}
		if r.Missing != "" {
			fmt.Fprintf(os.Stderr, "peer %s is left out: %s\n", r.Name, r.Missing)
			continue
		}
		all = append(all, r)
	}
	return all, nil
}

func lines(out []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(out) > 0 {
			n := slices.Index(out, '\n')
			if n < 0 {
				n = len(out)
			}
			if n > 0 && !yield(out[:n]) {
				return
			}
			out = out[min(n+1, len(out)):]
		}
	}
}

// writePeers writes the blocks as peers.json and one file of int32 per column.
func writePeers(dir string, blocks []*peerBlock, want [][]int32) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "peers.py"), peersProgram, 0o644); err != nil {
		return err
	}
	head, err := json.Marshal(blocks)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "peers.json"), head, 0o644); err != nil {
		return err
	}
	for i, b := range blocks {
		for name, column := range map[string][]int32{
			"avail": b.avail, "floor": b.floor, "pack": b.pack, "demand": b.demand, "receipts": b.receipts, "orders": want[i],
		} {
			f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.%s", i, name)))
			if err != nil {
				return err
			}
			w := bufio.NewWriterSize(f, 1<<20)
			err = binary.Write(w, binary.LittleEndian, column)
			if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}
