package cli

import (
	"hash/fnv"
	"slices"

	"echelon/fixtures/generate"
	"echelon/inputs"
)

// spoiler makes a share of the rows of a generated table wrong on purpose, so that quarantine has something
// to find: each spoiled row has one value outside its contract. Which rows, and how, follows from the seed.
type spoiler struct {
	share uint64 // thousandths
	state uint64
}

func newSpoiler(cfg generate.Config, table string) *spoiler {
	if slices.Contains([]string{"nodes", "items", "lanes", "calendars", "calendar_days"}, table) {
		cfg.Dirty = 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(table)) // never fails
	return &spoiler{share: uint64(cfg.Dirty), state: h.Sum64() ^ cfg.Seed}
}

// roll gives the next number of the sequence (splitmix64).
func (s *spoiler) roll() uint64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// batch gives the batch with its share of spoiled rows; the one given stays as it is.
func (s *spoiler) batch(b *inputs.Batch) *inputs.Batch {
	if s.share == 0 {
		return b
	}
	out := *b
	out.Columns = slices.Clone(b.Columns)
	own := make([]bool, len(out.Columns)) // columns whose slices are ours
	for r := range b.Rows {
		if s.roll()%1000 >= s.share {
			continue
		}
		i := int(s.roll() % uint64(len(out.Columns)))
		for range out.Columns {
			if s.spoil(&out, own, i, r) {
				break
			}
			i = (i + 1) % len(out.Columns)
		}
	}
	return &out
}

// spoil makes one value wrong; false when this column of the row holds none that can be.
func (s *spoiler) spoil(b *inputs.Batch, own []bool, i, r int) bool {
	def, v := &b.Contract.Columns[i], &b.Columns[i]
	if v.IsNull(r) {
		return false
	}
	if !own[i] {
		v.Ints, v.Codes, v.Dict = slices.Clone(v.Ints), slices.Clone(v.Codes), slices.Clone(v.Dict)
		own[i] = true
	}
	switch def.Type {
	case inputs.TypeID, inputs.TypeZone, inputs.TypeCurrency:
		words := []string{"../../etc/passwd", "has a blank", "-dash-first"}
		v.Dict = append(v.Dict, words[s.roll()%uint64(len(words))])
		v.Codes[r] = uint32(len(v.Dict) - 1)
	case inputs.TypeUnits, inputs.TypeNumber, inputs.TypeDays, inputs.TypeMoney, inputs.TypeVolume, inputs.TypeWeight, inputs.TypeMilli:
		v.Ints[r] = []int64{-1, -1000, def.Max + 1}[s.roll()%3]
	default:
		return false
	}
	return true
}
