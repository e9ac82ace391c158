package store_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
)

// wholeOf writes a snapshot in full.
func wholeOf(t testing.TB, b *build.Built) *store.Whole {
	t.Helper()
	dir, m := write(t, b)
	return &store.Whole{Dir: dir, Manifest: m, Network: b.Network, Parts: b.Partitions}
}

// later gives what follows from a snapshot: columns are copied before they are changed, as build.Patch does.
func later(r *rand.Rand, b *build.Built) (*inputs.Network, []*inputs.Partition) {
	net := *b.Network
	net.AsOf += r.Int64N(60) * 60_000_000
	parts := slices.Clone(b.Partitions)
	for i := range parts {
		p := *parts[i]
		if p.Live == 0 || r.IntN(4) == 0 {
			continue
		}
		if r.IntN(2) == 0 {
			p.OnHand = slices.Clone(p.OnHand)
			p.OnHand[r.IntN(len(p.OnHand))] += r.Int32N(3)
		}
		switch r.IntN(4) {
		case 0:
			p.Inbound = inputs.Inbound{}
			p.Named = nil
		case 1:
			in := p.Inbound
			p.Inbound = inputs.Inbound{
				Row: append(slices.Clone(in.Row), 5), Day: append(slices.Clone(in.Day), 3), Qty: append(slices.Clone(in.Qty), 9),
				Lane: append(slices.Clone(in.Lane), inputs.None), Flags: append(slices.Clone(in.Flags), 0), Due: append(slices.Clone(in.Due), 4),
				Ref: append(slices.Clone(in.Ref), "P9/1"),
			}
			p.Named = append(slices.Clone(p.Named), "R9", "S")
		case 2:
			p.Inbound.Qty = slices.Clone(p.Inbound.Qty)
			for k := range p.Inbound.Qty {
				p.Inbound.Qty[k]++
			}
			p.Inbound.Ref = slices.Clone(p.Inbound.Ref)
			for k := range p.Inbound.Ref {
				p.Inbound.Ref[k] = "other"
			}
		}
		if r.IntN(2) == 0 {
			p.D16 = slices.Clone(p.D16)
			for k := range p.D16 {
				p.D16[k] += 2
			}
		}
		parts[i] = &p
	}
	return &net, parts
}

// TestOverReadsBack: a snapshot that holds what differs reads as what was written, also when the folder below it is
// gone, and when it lies over the files of one that lies over them itself.
func TestOverReadsBack(t *testing.T) {
	b := small(t)
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 3))
		root := t.TempDir()
		whole := wholeOf(t, b)
		for round := range 2 {
			net, parts := later(r, b)
			dir := filepath.Join(root, string(rune('a'+round)))
			m, err := store.WriteOver(dir, whole, net, parts, map[string]string{"a": "b"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(whole.Dir); err != nil {
				t.Fatal(err)
			}
			whole.Dir = dir
			gotNet, got, err := load(dir, "acme")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(net, gotNet); diff != "" {
				t.Errorf("seed %d: network: %s", seed, diff)
			}
			if diff := cmp.Diff(parts, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("seed %d: partitions: %s", seed, diff)
			}
			// once more, from what is remembered, and with one partition of them moved back
			some := slices.Clone(parts)
			some[round%len(some)] = b.Partitions[round%len(some)]
			for k, list := range [][]*inputs.Partition{parts, some} {
				again := dir + "again" + string(rune('0'+k))
				n, err := store.WriteOver(again, whole, net, list, map[string]string{"a": "b"}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if k == 0 && cmp.Diff(m, n) != "" {
					t.Errorf("seed %d: written again it is another: %s", seed, cmp.Diff(m, n))
				}
				if _, got, err = load(again, "acme"); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(list, got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("seed %d: written again: %s", seed, diff)
				}
			}
			full := filepath.Join(root, "full"+dir[len(dir)-1:])
			want, err := store.Write(full, net, parts, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range m.DCs {
				if m.DCs[i].Memory != want.DCs[i].Memory || m.DCs[i].Rows != want.DCs[i].Rows {
					t.Errorf("seed %d: %+v, in full %+v", seed, m.DCs[i], want.DCs[i])
				}
			}
		}
	}
}

// TestOverIsRefused: every byte counts, files that are missing are named, and what cannot lie over is
// told to be written in full.
func TestOverIsRefused(t *testing.T) {
	b := small(t)
	whole := wholeOf(t, b)
	net := *b.Network
	net.AsOf++
	parts := slices.Clone(b.Partitions)
	p := *parts[0]
	p.OnHand = slices.Clone(p.OnHand)
	p.OnHand[0]++
	parts[0] = &p
	dir := filepath.Join(t.TempDir(), "over")
	m, err := store.WriteOver(dir, whole, &net, parts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	over := m.DCs[0].Over
	if over == nil || m.DCs[1].Over != nil || m.Layout != store.OverVersion || over.Bytes >= m.DCs[0].Bytes {
		t.Fatalf("%+v", m)
	}
	name := filepath.Join(dir, over.File)
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var refused *inputs.Refusal
	for at := 0; at < len(raw); at += 7 {
		bad := slices.Clone(raw)
		bad[at] ^= 1
		if err := os.WriteFile(name, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := load(dir, "acme"); !errors.As(err, &refused) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(dir, "acme"); !errors.As(err, &refused) || refused.Kind != "file_missing" {
		t.Errorf("%v", err)
	}
	for what, f := range map[string]func(*inputs.Network, *store.Whole){
		"another day":      func(n *inputs.Network, _ *store.Whole) { n.Nodes.Day0 = slices.Clone(n.Nodes.Day0) },
		"another horizon":  func(n *inputs.Network, _ *store.Whole) { n.Horizon++ },
		"files are gone":   func(_ *inputs.Network, w *store.Whole) { w.Dir += ".gone" },
		"fewer partitions": func(_ *inputs.Network, w *store.Whole) { w.Parts = w.Parts[1:] },
	} {
		n, w := net, *whole
		f(&n, &w)
		at := filepath.Join(t.TempDir(), "no")
		if _, err := store.WriteOver(at, &w, &n, parts, nil, nil); !errors.Is(err, store.ErrWhole) {
			t.Errorf("%s: %v", what, err)
		}
		if left, _ := filepath.Glob(at + "*"); len(left) > 0 {
			t.Errorf("%s: %v is left", what, left)
		}
	}
}
