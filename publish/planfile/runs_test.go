package planfile

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"pgregory.net/rapid"
)

// TestRunsAreReadBack writes numbers in runs and reads them by our own reader and by the library's.
func TestRunsAreReadBack(t *testing.T) {
	e, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	rapid.Check(t, func(t *rapid.T) {
		var n numbers
		n.empty()
		var all []int64
		distinct := rapid.SampledFrom([]int64{1, 2, 200, 300, 70000}).Draw(t, "distinct")
		for range rapid.IntRange(1, 300).Draw(t, "runs") {
			v := rapid.Int64Range(0, distinct-1).Draw(t, "number") * rapid.SampledFrom([]int64{1, 1000, 1 << 40}).Draw(t, "unit")
			for range rapid.IntRange(1, 40).Draw(t, "length") {
				all = append(all, v)
			}
		}
		n.add(all)
		p, err := e.listInts(&n, len(all))
		if err != nil {
			t.Fatal(err)
		}
		if !p.bare || p.dict == nil {
			return // by differences or codes, which other tests read back
		}
		written++
		var words []int64
		for k := range p.dictN {
			words = append(words, int64(binary.LittleEndian.Uint64(p.dict[8*k:])))
		}
		got := make([]int64, len(all))
		if !fill(got, p.body, words) || !slices.Equal(got, all) {
			t.Fatalf("read back %v, want %v", got, all)
		}
		codes, err := (&rle.Encoding{BitWidth: int(p.body[0])}).DecodeInt32(nil, slices.Grow(p.body, 64)[1:])
		if err != nil || len(codes) != len(all) {
			t.Fatalf("the library reads %d codes of %d, %v", len(codes), len(all), err)
		}
		for i, c := range codes {
			if words[c] != all[i] {
				t.Fatalf("number %d: the library reads %d, want %d", i, words[c], all[i])
			}
		}
		for cut := range min(len(p.body), 20) { // a shorter body is no body of so many
			if fill(got, p.body[:cut], words) {
				t.Fatalf("%d of %d bytes were taken for all", cut, len(p.body))
			}
		}
	})
	if written == 0 {
		t.Error("no column was written in runs")
	}
}

func TestTooManyRuns(t *testing.T) {
	var d numberCodes
	var out []run
	alternate := make([]int64, 3000)
	for i := range alternate {
		alternate[i] = int64(i & 1)
	}
	if runs(&d, alternate, &out) || runs(&d, []int64(nil), &out) {
		t.Error("a number in two begins a run, or there is none: this is not for runs")
	}
	steps := make([]int64, valuesPerRun*(maxNumbers+2))
	for i := range steps {
		steps[i] = int64(i / valuesPerRun)
	}
	if runs(&d, steps, &out) || runs(&d, steps[valuesPerRun:], &out) || !runs(&d, steps[2*valuesPerRun:], &out) {
		t.Error("a dictionary has at most maxNumbers numbers")
	}
	if !runs(&d, []int64{7}, &out) || len(out) != 1 || out[0] != (run{0, 1}) {
		t.Errorf("one number is one run: %v", out)
	}
}
