package cdc

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"echelon/inputs"
)

// lender lends the same memory for every record: a change per byte of its value, with a text of the record, a text of
// its own and a list.
type lender struct {
	text  []byte
	list  []int64
	cells []Cell
}

var errAway = errors.New("away")

func (l *lender) Fork() Decoder { return &lender{} }

func (l *lender) Decode(r *Record, emit func(*Change) error) error {
	for i := range r.Value {
		l.text = fmt.Appendf(l.text[:0], "own %d %d", r.Offset, i)
		l.list = append(l.list[:0], r.Offset, int64(i))
		l.cells = append(l.cells[:0], Cell{Kind: Text, Text: r.Value[i : i+1]}, Cell{Kind: Text, Text: l.text},
			Cell{Kind: List, List: l.list}, Cell{Kind: Int, Int: 7, Text: l.text}, Cell{Kind: Null, List: l.list})
		if err := emit(&Change{Origin: i, Cells: l.cells}); err != nil {
			return err
		}
	}
	switch {
	case r.Offset%7 == 3:
		return &inputs.Fault{Reason: inputs.BadRecord, Position: r.Offset}
	case r.Offset%11 == 5:
		return errAway
	}
	return nil
}

// TestBatchKeepsWhatIsLent: a batch holds each record's changes although the decoder writes over what it lent, none
// of a record that could not be decoded, and the same again when it is used again.
func TestBatchKeepsWhatIsLent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var b Batch
		d := &lender{}
		for range rapid.IntRange(1, 3).Draw(rt, "uses") {
			b.Reset()
			var want []string
			for offset := range int64(rapid.IntRange(1, 200).Draw(rt, "records")) {
				r := &Record{Offset: offset, Value: []byte("abcdefgh")[:rapid.IntRange(0, 8).Draw(rt, "changes")]}
				line := fmt.Sprint(offset)
				switch err := b.Decode(d, r); {
				case offset%7 != 3 && offset%11 == 5:
					if !errors.Is(err, errAway) {
						rt.Fatalf("offset %d: %v", offset, err)
					}
					continue
				case err != nil:
					rt.Fatal(err)
				case offset%7 == 3:
					line += " bad_record"
				default:
					for i := range r.Value {
						line += fmt.Sprintf(" %d:%s,own %d %d,[%d %d]", i, r.Value[i:i+1], offset, i, offset, i)
					}
				}
				want = append(want, line)
			}
			if len(b.Records) != len(want) {
				rt.Fatalf("%d records, want %d", len(b.Records), len(want))
			}
			for i := range b.Records {
				r := &b.Records[i]
				got := fmt.Sprint(r.Offset)
				if r.Fault != nil {
					got += " " + string(r.Fault.Reason)
				}
				for k := range r.Changes {
					c := r.Changes[k].Cells
					got += fmt.Sprintf(" %d:%s,%s,%v", r.Changes[k].Origin, c[0].Text, c[1].Text, c[2].List)
					if c[3].Text != nil || c[4].List != nil {
						rt.Fatalf("record %d still holds what was lent", i)
					}
				}
				if got != want[i] {
					rt.Fatalf("got %s, want %s", got, want[i])
				}
			}
		}
	})
}
