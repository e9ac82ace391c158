package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"echelon/inputs"
)

// F3: a factor gives the exact quotient, the rounding that was asked for, or a refusal; never anything else.
func TestScalerAgainstRationals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		def := &inputs.ColumnDef{Name: "x", Type: rapid.SampledFrom([]inputs.Type{inputs.TypeUnits, inputs.TypeMilli}).Draw(t, "type")}
		cv := &conversion{
			num: uint64(rapid.Int64Range(1, math.MaxInt32).Draw(t, "num")), den: uint64(rapid.Int64Range(1, math.MaxInt32).Draw(t, "den")),
		}
		cv.Round = rapid.SampledFrom([]string{"", "up", "down", "nearest"}).Draw(t, "round")
		scale := rapid.IntRange(0, maxScale).Draw(t, "scale")
		v := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "value")
		s := newScaler(def, cv, scale)
		got, reason, _ := s.apply(v)

		exact := new(big.Rat).SetFrac(big.NewInt(v), new(big.Int).SetUint64(pow10(scale)))
		exact.Mul(exact, new(big.Rat).SetFrac(new(big.Int).SetUint64(cv.num*pow10(places(def.Type))), new(big.Int).SetUint64(cv.den)))
		low := new(big.Int).Div(exact.Num(), exact.Denom()) // towards minus infinity: denominators are positive
		if !low.IsInt64() || low.Int64() > math.MaxInt64-1 {
			if reason != inputs.OutOfRange {
				t.Fatalf("%v is too large: %d %s", exact, got, reason)
			}
			return
		}
		if exact.IsInt() {
			if reason != "" || got != low.Int64() {
				t.Fatalf("%v: %d %s", exact, got, reason)
			}
			return
		}
		rest := new(big.Rat).Sub(exact, new(big.Rat).SetInt(low))
		half := rest.Cmp(big.NewRat(1, 2))
		want := low.Int64()
		switch cv.Round {
		case "":
			if reason == "" {
				t.Fatalf("%v is not exact and became %d", exact, got)
			}
			return
		case "up":
			want++
		case "nearest": // halves away from zero
			if half > 0 || (half == 0 && v > 0) {
				want++
			}
		}
		if reason != "" || got != want {
			t.Fatalf("%v %s: %d %s, want %d", exact, cv.Round, got, reason, want)
		}
	})
}

// A double counts as the decimal that a person would have written.
func TestExactDouble(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		milli := rapid.Int64Range(-1e12, 1e12).Draw(t, "milli")
		v, err := strconv.ParseFloat(inputs.FormatMilli(milli), 64)
		if err != nil {
			t.Fatal(err)
		}
		if got, reason, _ := exactDouble(v, 3); got != milli || reason != "" {
			t.Fatalf("%v: %d %s", v, got, reason)
		}
		any := rapid.Float64().Draw(t, "any")
		got, reason, _ := exactDouble(any, 3)
		text := strconv.FormatFloat(any, 'f', -1, 64)
		_, decimals, _ := strings.Cut(text, ".")
		if reason == "" && (len(decimals) > 3 || new(big.Rat).SetFrac64(got, 1000).Cmp(ratOf(text)) != 0) {
			t.Fatalf("%s became %d", text, got)
		}
		if reason == inputs.TooManyPlaces && len(decimals) <= 3 {
			t.Fatalf("%s was refused", text)
		}
	})
}

func ratOf(s string) *big.Rat {
	r, _ := new(big.Rat).SetString(s)
	return r
}

func TestBigEndian(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "value")
		pad := rapid.IntRange(0, 8).Draw(t, "pad")
		var b []byte
		for range pad {
			b = append(b, byte(v>>63))
		}
		for shift := 56; shift >= 0; shift -= 8 {
			b = append(b, byte(v>>shift))
		}
		if got, ok := bigEndian(b); !ok || got != v {
			t.Fatalf("%d: %d %v", v, got, ok)
		}
		if _, ok := bigEndian(append([]byte{byte(v>>63) ^ 1}, b...)); ok && len(b) >= 8 {
			t.Fatalf("%x has more than 64 bits", b)
		}
	})
}

func TestParquetDecimalsAndTimes(t *testing.T) {
	t.Parallel()
	type sku struct {
		Item string `parquet:"item"`
		Node string `parquet:"node"`
		Days int64  `parquet:"safety_days,decimal(2:18)"`
		Band int32  `parquet:"dead_band,decimal(4:9)"`
	}
	type lane struct {
		Lane   string `parquet:"lane"`
		Source string `parquet:"source"`
		Dest   string `parquet:"destination"`
		Cutoff int64  `parquet:"cutoff,time(microsecond)"`
	}
	dir := folderOf(t, map[string]string{
		mark:           "",
		"skus.parquet": parquetOf(t, []sku{{"I1", "S1", 250, 15000}, {"I2", "S1", 250, 15005}}),
		"lanes.parquet": parquetOf(t, []lane{
			{"L1", "D1", "S1", 34_200_000_000}, {"L2", "D1", "S1", 34_230_000_000},
		}),
	})
	f, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]map[string]string{{"item": "I1", "node": "S1", "safety_days": "2.5", "dead_band": "1.5"}}, rowsOf(t, f, "skus")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]map[string]string{{"lane": "L1", "source": "D1", "destination": "S1", "cutoff": "09:30"}}, rowsOf(t, f, "lanes")); d != "" {
		t.Error(d)
	}
	for _, tr := range f.Report().Tables {
		want := map[string]inputs.Reason{"skus": inputs.TooManyPlaces, "lanes": inputs.BadDate}[tr.Table]
		if len(tr.Faults) != 1 || tr.Faults[0].Reason != want || tr.Faults[0].Position != 2 {
			t.Errorf("%+v", tr.Faults)
		}
	}
}

func TestDamagedGzip(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	z := gzip.NewWriter(&whole)
	if _, err := z.Write([]byte("item\n" + strings.Repeat("I1\nI2\nI3\n", 5000))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole.Bytes())
	flipped[len(flipped)-6] ^= 1 // of the checksum
	for kind, content := range map[string]string{
		"truncated": whole.String()[:whole.Len()-9], "unreadable": string(flipped),
	} {
		f, err := Open(context.Background(), folderOf(t, map[string]string{mark: "", "items.csv.gz": content}), Options{})
		if err == nil {
			_, err = readRows(f, "items")
		}
		if refusalKind(err) != kind {
			t.Errorf("%v, want %s", err, kind)
		}
	}
}
