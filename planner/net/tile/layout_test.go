package tile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"
)

// The assembly counts on this layout: bytes from the start of the struct, as the package's doc draws them.
func TestLayout(t *testing.T) {
	var s state
	var w window
	var n Needs
	var f Facts
	var b basis
	var text strings.Builder
	for _, field := range []struct {
		name   string
		offset uintptr
	}{
		{"state p", unsafe.Offsetof(s.p)},
		{"state p0", unsafe.Offsetof(s.p0)},
		{"state seen", unsafe.Offsetof(s.seen)},
		{"state Count", unsafe.Offsetof(s.Count)},
		{"state trigger", unsafe.Offsetof(s.trigger)},
		{"state pres", unsafe.Offsetof(s.pres)},
		{"state pack", unsafe.Offsetof(s.pack)},
		{"state least", unsafe.Offsetof(s.least)},
		{"state leastOrder", unsafe.Offsetof(s.leastOrder)},
		{"state dead", unsafe.Offsetof(s.dead)},
		{"state perPack", unsafe.Offsetof(s.perPack)},
		{"state end", unsafe.Sizeof(s)},
		{"window flow", unsafe.Offsetof(w.flow)},
		{"window low", unsafe.Offsetof(w.low)},
		{"window stop", unsafe.Offsetof(w.stop)},
		{"window top", unsafe.Offsetof(w.top)},
		{"window ask", unsafe.Offsetof(w.ask)},
		{"window room", unsafe.Offsetof(w.room)},
		{"window here", unsafe.Offsetof(w.here)},
		{"window used", unsafe.Offsetof(w.used)},
		{"window end", unsafe.Sizeof(w)},
		{"needs Wanted", unsafe.Offsetof(n.Wanted)},
		{"needs N1", unsafe.Offsetof(n.N1)},
		{"needs N2", unsafe.Offsetof(n.N2)},
		{"needs N3", unsafe.Offsetof(n.N3)},
		{"needs Supply", unsafe.Offsetof(n.Supply)},
		{"needs units", unsafe.Offsetof(n.units)},
		{"needs Rows", unsafe.Offsetof(n.Rows)},
		{"needs Odd", unsafe.Offsetof(n.Odd)},
		{"needs Asked", unsafe.Offsetof(n.Asked)},
		{"facts OnHand", unsafe.Offsetof(f.OnHand)},
		{"facts Unusable", unsafe.Offsetof(f.Unusable)},
		{"facts Reserved", unsafe.Offsetof(f.Reserved)},
		{"facts Backorders", unsafe.Offsetof(f.Backorders)},
		{"facts Safety", unsafe.Offsetof(f.Safety)},
		{"facts Present", unsafe.Offsetof(f.Present)},
		{"facts SafeDays", unsafe.Offsetof(f.SafeDays)},
		{"facts Cap", unsafe.Offsetof(f.Cap)},
		{"facts Life", unsafe.Offsetof(f.Life)},
		{"facts Lost", unsafe.Offsetof(f.Lost)},
		{"basis avail", unsafe.Offsetof(b.avail)},
		{"basis level", unsafe.Offsetof(b.level)},
		{"basis units", unsafe.Offsetof(b.units)},
		{"basis shelf", unsafe.Offsetof(b.shelf)},
		{"basis safe", unsafe.Offsetof(b.safe)},
		{"basis life", unsafe.Offsetof(b.life)},
		{"basis negative", unsafe.Offsetof(b.negative)},
		{"basis wide", unsafe.Offsetof(b.wide)},
		{"basis ahead", unsafe.Offsetof(b.ahead)},
		{"basis lives", unsafe.Offsetof(b.lives)},
	} {
		fmt.Fprintf(&text, "%-18s%5d\n", field.name, field.offset)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "layout.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := text.String(); got != string(golden) {
		t.Errorf("layout is\n%s\ntestdata/layout.txt and kernelgen say\n%s", got, golden)
	}
}

// Demand lies day by day, 64 rows a day, little-endian: days 0 and 1 of rows 0, 1 and 63 at their bytes.
func TestDemandLayout(t *testing.T) {
	raw := make([]byte, 14*128)
	put := func(at int, v uint16) { raw[at], raw[at+1] = byte(v), byte(v>>8) }
	put(0, 1)
	put(2, 20)
	put(126, 300)
	put(128, 4000)
	put(254, 50000)
	var tl Tile
	tl.Begin(&Table{horizon: 14, start: []int32{0, 14}}, false)
	days := make([]uint16, 14*Rows)
	for i := range days {
		days[i] = uint16(raw[2*i]) | uint16(raw[2*i+1])<<8
	}
	var cut [Rows]int32
	for _, scalar := range []bool{true, false} {
		tl.Scalar = scalar
		tl.Demand(days, &cut)
		for _, want := range []struct{ lane, day, sum int32 }{{0, 1, 1}, {1, 1, 20}, {63, 1, 300}, {0, 2, 4001}, {63, 2, 50300}, {1, 14, 20}, {63, 2, 50300}} {
			if got := tl.cum[want.day][want.lane]; got != want.sum {
				t.Errorf("scalar %v, row %d: %d before day %d, want %d", scalar, want.lane, got, want.day, want.sum)
			}
		}
	}
}

// The reciprocal in float32, put right by one step, rounds up to whole packs as integers do: every pack, and around
// every multiple where it could go wrong, up to needs of 2²².
func TestReciprocalIsExact(t *testing.T) {
	step := int64(1)
	if testing.Short() {
		step = 7
	}
	for pack := int64(1); pack <= MaxPack; pack += step {
		per := 1 / float32(pack)
		for packs := int64(0); packs*pack <= 1<<22; packs += 1 + packs/64 {
			for _, up := range [...]int64{packs*pack - 1, packs * pack, packs*pack + 1, packs*pack + pack - 1} {
				if up < 0 {
					continue
				}
				q := int64(int32(float32(up) * per))
				if rest := up - q*pack; rest < 0 {
					q--
				} else if rest >= pack {
					q++
				}
				if q != up/pack {
					t.Fatalf("%d ÷ %d: %d, want %d", up, pack, q, up/pack)
				}
			}
		}
	}
}

// 274,877,907 ÷ 2³⁸ is a thousandth exactly enough for every sum that is rounded up.
func TestThousandthIsExact(t *testing.T) {
	for v := uint64(0); v < 1<<31; v += 999 {
		for _, x := range [...]uint64{v, v + 1, v + 998} {
			if got := x * 274877907 >> 38; got != x/1000 {
				t.Fatalf("%d ÷ 1000: %d, want %d", x, got, x/1000)
			}
		}
	}
}
