package share

import (
	"cmp"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naive shares by the page's words: the next pack of the bucket goes to the claim that the rule puts first, with
// ratios of big integers and every choice made anew.
func naive(rem []int64, end int32, rule Rule, ranksFirst bool, claims []Claim, given []int64) []int64 {
	out := make([]int64, len(claims))
	for i := range claims {
		out[i] = claims[i].From
	}
	type bucket struct{ a, b, c, d int }
	tierOf := func(c *Claim, unit int64) int {
		for i, n := range c.N {
			if unit < n {
				return i
			}
		}
		return 4
	}
	buckets := map[bucket][]int{} // claim, once per pack
	for i := range claims {
		c := &claims[i]
		for u := c.From; u < c.Want; u += c.Pack {
			tier := tierOf(c, u)
			key := bucket{1, tier, int(c.Rank), int(c.Day)}
			if ranksFirst {
				key = bucket{1, int(c.Rank), tier, int(c.Day)}
			}
			if tier == 0 {
				key = bucket{0, int(c.Rank), 0, int(c.Day)}
			}
			buckets[key] = append(buckets[key], i)
		}
	}
	var keys []bucket
	for k := range buckets {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y bucket) int {
		return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b), cmp.Compare(x.c, y.c), cmp.Compare(x.d, y.d))
	})
	value := func(i int) *big.Rat {
		c := &claims[i]
		num, den := c.Stock+given[c.Child], c.Demand
		switch rule {
		case Fill:
			den += c.Floor
		case Proportional:
			num, den = out[i]+c.Open, c.Want+c.Open
		case Priority:
			return big.NewRat(int64(c.NodeRank), 1)
		case Days:
			if den > 0 {
				return new(big.Rat).Mul(big.NewRat(num, den), big.NewRat(int64(c.Length), 1))
			}
		}
		if den <= 0 {
			return nil
		}
		return big.NewRat(num, den)
	}
	before := func(i, j int) bool {
		x, y := value(i), value(j)
		if (x == nil) != (y == nil) {
			return y == nil
		}
		if x != nil && x.Cmp(y) != 0 {
			return x.Cmp(y) < 0
		}
		a, b := &claims[i], &claims[j]
		if a.Carry != b.Carry {
			return a.Carry > b.Carry
		}
		if a.Node != b.Node {
			return a.Node < b.Node
		}
		return a.Usable < b.Usable
	}
	for _, key := range keys {
		packs := buckets[key]
		for {
			room := slices.Min(rem[key.d : end+1])
			best := -1
			for _, i := range packs {
				if claims[i].Pack*1000 <= room && (best < 0 || before(i, best)) {
					best = i
				}
			}
			if best < 0 {
				break
			}
			c := &claims[best]
			out[best] += c.Pack
			given[c.Child] += c.Pack * 1000
			for d := key.d; d < len(rem); d++ {
				rem[d] -= c.Pack * 1000
			}
			k := slices.Index(packs, best)
			packs = slices.Delete(packs, k, k+1)
		}
	}
	return out
}

func drawClaims(t *rapid.T, days int) []Claim {
	num := func(name string, low, high int) int64 { return int64(rapid.IntRange(low, high).Draw(t, name)) }
	largest := rapid.SampledFrom([]int{3, 40, 300}).Draw(t, "packs")
	var claims []Claim
	for child := range rapid.IntRange(1, 6).Draw(t, "children") {
		node := Claim{Child: int32(child), Node: int32(child), NodeRank: int32(num("node_rank", 1, 3)), Rank: int32(num("rank", 1, 2)), Carry: num("carry", 0, 2)}
		usable := int32(0)
		for range rapid.IntRange(1, 3).Draw(t, "orders") {
			c := node
			usable += int32(num("later", 1, 3))
			c.Usable, c.Day, c.Pack = usable, int32(num("day", 0, days-1)), num("pack", 1, 6)
			c.From = num("from", 0, 2) * c.Pack
			c.Want = c.From + num("want", 1, largest)*c.Pack
			n := num("n0", 0, 8)
			for i := range c.N {
				c.N[i] = n
				n += num("n", 0, 10)
			}
			c.Stock, c.Demand, c.Length = num("stock", -20, 40)*1000, num("demand", 0, 30)*700, int32(num("length", 1, 7))
			c.Floor, c.Open = num("floor", 0, 9)*1000, num("open", 0, 5)
			claims = append(claims, c)
		}
	}
	return claims
}

// The shares are those of one pack at a time, for every rule; I1 and I2 hold.
func TestShareIsOnePackAtATime(t *testing.T) {
	for _, rule := range []Rule{Days, Fill, Proportional, Priority} {
		rapid.Check(t, func(t *rapid.T) {
			days := rapid.IntRange(1, 5).Draw(t, "days")
			claims := drawClaims(t, days)
			p := Pool{Rule: rule, RanksFirst: rapid.Bool().Draw(t, "ranks_first"), Given: make([]int64, 6)}
			scale := rapid.SampledFrom([]int{90, 900}).Draw(t, "scale")
			there := int64(0)
			for range days + 2 {
				there += int64(rapid.IntRange(-20, scale).Draw(t, "there")) * 1000
				p.Rem = append(p.Rem, there)
			}
			p.End = int32(rapid.IntRange(days-1, days+1).Draw(t, "end"))
			start := slices.Clone(p.Rem)
			rem, given := slices.Clone(p.Rem), slices.Clone(p.Given)
			want := naive(rem, p.End, rule, p.RanksFirst, slices.Clone(claims), given)
			p.Share(claims)
			for i := range claims {
				if claims[i].Given != want[i] {
					t.Fatalf("rule %d claim %d: given %d, want %d", rule, i, claims[i].Given, want[i])
				}
			}
			if !slices.Equal(p.Rem, rem) || !slices.Equal(p.Given, given) {
				t.Fatalf("rule %d: left %v, want %v", rule, p.Rem, rem)
			}
			first := int32(-1)
			for i := range claims {
				if c := &claims[i]; c.Given > c.From && (first < 0 || c.Day < first) {
					first = c.Day
				}
			}
			for d := first; first >= 0 && d <= p.End; d++ {
				if p.Rem[d] < 0 {
					t.Fatalf("rule %d: day %d of %v gives %d too much", rule, d, start, -p.Rem[d])
				}
			}
			for i := range claims {
				c := &claims[i]
				if c.Given < c.Want && p.room(c.Day) >= c.Pack*1000 {
					t.Fatalf("rule %d: claim %d lacks packs of %d while %d is left", rule, i, c.Pack, p.room(c.Day))
				}
			}
		})
	}
}

// The order in which claims are handed in decides nothing.
func TestShareDoesNotDependOnTheOrderOfClaims(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		claims := drawClaims(t, 3)
		turned := slices.Clone(claims)
		slices.Reverse(turned)
		rule := Rule(rapid.IntRange(0, 3).Draw(t, "rule"))
		for _, c := range [][]Claim{claims, turned} {
			p := Pool{Rule: rule, Rem: []int64{30000, 60000, 90000}, End: 2, Given: make([]int64, 6)}
			p.Share(c)
		}
		slices.Reverse(turned)
		for i := range claims {
			if claims[i].Given != turned[i].Given {
				t.Fatalf("claim %d: %d or %d", i, claims[i].Given, turned[i].Given)
			}
		}
	})
}

func TestRatiosOfAnySize(t *testing.T) {
	big1 := int64(1) << 62
	cases := []struct {
		a, da, b, db, la, lb int64
		want                 int
	}{
		{1, 2, 2, 4, 1, 1, 0},
		{-1, 2, 0, 9, 1, 1, -1},
		{-1, 3, -1, 2, 1, 1, 1},
		{0, 0, 5, 1, 1, 1, 1},
		{0, 0, 7, 0, 1, 1, 0},
		{big1, big1 - 1, big1 - 1, big1, 7, 7, 1},
		{big1, 1, big1, 1, 6, 7, -1},
		{-big1, 1, -big1, 1, 6, 7, 1},
	}
	for _, c := range cases {
		if got := ratios(c.a, c.da, c.b, c.db, c.la, c.lb); got != c.want {
			t.Errorf("%d × %d ÷ %d against %d × %d ÷ %d: got %d, want %d", c.a, c.la, c.da, c.b, c.lb, c.db, got, c.want)
		}
	}
}

func TestSplitIsInWholePacks(t *testing.T) {
	cases := []struct {
		q, pack int64
		n       [3]int64
		want    [4]int64
	}{
		{32, 2, [3]int64{14, 14, 31}, [4]int64{14, 0, 18, 0}},
		{12, 6, [3]int64{1, 7, 7}, [4]int64{6, 6, 0, 0}},
		{12, 6, [3]int64{0, 0, 0}, [4]int64{0, 0, 0, 12}},
		{6, 6, [3]int64{4, 9, 20}, [4]int64{6, 0, 0, 0}},
		{0, 6, [3]int64{4, 9, 20}, [4]int64{}},
	}
	for _, c := range cases {
		if got := Split(c.q, c.pack, c.n); got != c.want {
			t.Errorf("%d in packs of %d by %v: got %v, want %v", c.q, c.pack, c.n, got, c.want)
		}
	}
}

// Counting arranges the parts as comparing does, with ranks near each other and far apart.
func TestArrangeIsTheOrderOfKeys(t *testing.T) {
	counted, compared := 0, 0
	check := func(t *rapid.T) {
		far := rapid.SampledFrom([]int32{3, 40, 1 << 30}).Draw(t, "far")
		p := Pool{RanksFirst: rapid.Bool().Draw(t, "ranks_first")}
		for i := range rapid.IntRange(0, 60).Draw(t, "claims") {
			rank := rapid.Int32Range(-far, far).Draw(t, "rank")
			for tier := range 5 {
				if packs := rapid.Int64Range(0, 2).Draw(t, "packs"); packs > 0 {
					p.parts = append(p.parts, part{p.key(tier, rank, rapid.Int32Range(0, 12).Draw(t, "day")), int32(i), packs})
				}
			}
		}
		want := slices.Clone(p.parts)
		slices.SortStableFunc(want, func(x, y part) int { return x.key.compare(y.key) })
		p.arrange()
		if !slices.Equal(want, p.order) {
			t.Fatalf("%v, want %v", p.order, want)
		}
		if len(p.parts) == 0 {
			return
		}
		if _, ok := p.span(); ok {
			counted++
		} else {
			compared++
		}
	}
	for range 6 { // under -short a round has a fifth of the checks
		if rapid.Check(t, check); counted >= 10 && compared >= 10 {
			break
		}
	}
	if counted < 10 || compared < 10 {
		t.Errorf("%d arranged by counting, %d by comparing", counted, compared)
	}
}
