package decode

import "strings"

// fields ties names of the source to columns of an origin. Records of one shape have their members in one order:
// the n-th name is looked for where it was before.
type fields struct {
	at      map[string][]*column
	learned []learnt
}

type learnt struct {
	name string
	cols []*column
}

func newFields() *fields { return &fields{at: map[string][]*column{}} }

func (f *fields) add(name string, c *column) { f.at[name] = append(f.at[name], c) }

const maxLearnt = 256

// find gives the columns that come from a name; nil: none.
func (f *fields) find(i int, name []byte) []*column {
	if i < len(f.learned) {
		if l := &f.learned[i]; l.name == string(name) {
			return l.cols
		}
		return f.at[string(name)]
	}
	cols := f.at[string(name)]
	if i == len(f.learned) && i < maxLearnt && len(name) < maxLearnt {
		f.learned = append(f.learned, learnt{strings.Clone(string(name)), cols})
	}
	return cols
}
