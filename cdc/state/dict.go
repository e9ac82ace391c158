package state

import (
	"sort"

	"echelon/inputs"
)

// dict is texts by number. Numbers are handed out as texts come and never change; cuts share the texts.
type dict struct {
	texts []string
	at    map[string]uint32
	ranks []uint32 // place of each text in sorted order, for as many as there were when they were sorted
}

func newDict() *dict { return &dict{at: map[string]uint32{}} }

func (d *dict) intern(text []byte) uint32 {
	if n, ok := d.at[string(text)]; ok {
		return n
	}
	n := uint32(len(d.texts))
	s := string(text)
	d.texts = append(d.texts, s)
	d.at[s] = n
	return n
}

// ranksOf gives the place of each text in sorted order.
func ranksOf(texts []string) []uint32 {
	order := make([]uint32, len(texts))
	for i := range order {
		order[i] = uint32(i)
	}
	sort.Slice(order, func(i, j int) bool { return texts[order[i]] < texts[order[j]] })
	ranks := make([]uint32, len(texts))
	for place, n := range order {
		ranks[n] = uint32(place)
	}
	return ranks
}

// dictName names the dictionary of a text column: ids of one kind share one.
func dictName(c *inputs.Contract, i int) string {
	def := &c.Columns[i]
	if def.Ref != "" {
		return def.Ref
	}
	if def.Key && def.Type == inputs.TypeID {
		switch c.Table {
		case "calendar_days":
			return "calendars"
		case "nodes", "items", "lanes", "calendars":
			return c.Table
		}
	}
	return c.Table + "." + def.Name
}

func (d *dict) bytes() int64 {
	n := int64(16*cap(d.texts)+4*cap(d.ranks)) + int64(len(d.at))*48
	for _, t := range d.texts {
		n += int64(len(t))
	}
	return n
}
