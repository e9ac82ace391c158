package inputs

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// every type that is kept as an integer, with a wide range
func intColumns() []ColumnDef {
	var out []ColumnDef
	for _, c := range Contracts() {
		for i := range c.Columns {
			if t := c.Columns[i].Type; !t.Texts() && !t.Lists() {
				out = append(out, c.Columns[i])
			}
		}
	}
	return out
}

// What FormatInt writes, ParseInt reads back, for every column of every table.
func TestCellsRoundTrip(t *testing.T) {
	t.Parallel()
	cols := intColumns()
	rapid.Check(t, func(t *rapid.T) {
		def := rapid.SampledFrom(cols).Draw(t, "column")
		v := rapid.Int64Range(def.Min, def.Max).Draw(t, "value")
		s := FormatInt(&def, v)
		got, err := ParseInt(&def, s)
		if err != nil || got != v {
			t.Fatalf("%s: %d is written %q and read %d, %v", def.Name, v, s, got, err)
		}
	})
}

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text   string
		places int
		want   int64
		reason Reason
	}{
		{"0", 0, 0, ""},
		{"-0", 0, 0, ""},
		{"007", 0, 7, ""},
		{"3.0", 0, 3, ""},
		{"3.000000", 3, 3000, ""},
		{"3.25", 3, 3250, ""},
		{"0.001", 3, 1, ""},
		{"-1.5", 3, -1500, ""},
		{"0.0010", 3, 1, ""},
		{"0.0001", 3, 0, TooManyPlaces},
		{"3.5", 0, 0, WrongType},
		{"", 3, 0, WrongType},
		{"-", 3, 0, WrongType},
		{".", 3, 0, WrongType},
		{"1.", 3, 0, WrongType},
		{".5", 3, 0, WrongType},
		{"1.2.3", 3, 0, WrongType},
		{"1,5", 3, 0, WrongType},
		{"1 000", 0, 0, WrongType},
		{"1_000", 0, 0, WrongType},
		{"1e3", 0, 0, WrongType},
		{"0x10", 0, 0, WrongType},
		{"+1", 0, 0, WrongType},
		{"--1", 0, 0, WrongType},
		{"１", 0, 0, WrongType},
		{" 1", 0, 0, WrongType},
		{"inf", 3, 0, WrongType},
		{"4611686018427387904", 0, 4611686018427387904, ""},
		{"46116860184273879040", 0, 0, OutOfRange},
		{"9223372036854775807", 3, 0, OutOfRange},
		{strings.Repeat("9", 400), 0, 0, OutOfRange},
	} {
		got, reason, hint := ParseDecimal(tc.text, tc.places)
		if got != tc.want || reason != tc.reason || (reason != "" && hint == "") {
			t.Errorf("%q with %d places: %d %s %s", tc.text, tc.places, got, reason, hint)
		}
	}
}

// Dates and instants are those of package time.
func TestDatesAgainstTime(t *testing.T) {
	t.Parallel()
	day := ColumnDef{Name: "d", Type: TypeDate, Min: math.MinInt32, Max: math.MaxInt32}
	at := ColumnDef{Name: "at", Type: TypeInstant, Min: math.MinInt64, Max: math.MaxInt64}
	rapid.Check(t, func(t *rapid.T) {
		y, m, d := rapid.IntRange(0, 9999).Draw(t, "y"), rapid.IntRange(0, 13).Draw(t, "m"), rapid.IntRange(0, 32).Draw(t, "d")
		s := pad2(int64(y/100)) + pad2(int64(y%100)) + "-" + pad2(int64(m)) + "-" + pad2(int64(d))
		want, wantErr := time.Parse("2006-01-02", s)
		got, err := ParseInt(&day, s)
		if (err == nil) != (wantErr == nil) || (err == nil && got*86400 != want.Unix()) {
			t.Fatalf("%s: %d %v, want %v %v", s, got, err, want, wantErr)
		}
		text := s + "T" + rapid.StringMatching(`([01][0-9]|2[0-4]):[0-6][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]0[0-9]:[0-5][0-9])`).Draw(t, "time")
		wantAt, wantErr := time.Parse(time.RFC3339Nano, text)
		gotAt, err := ParseInt(&at, text)
		if (err == nil) != (wantErr == nil) || (err == nil && gotAt != wantAt.UnixMicro()) {
			t.Fatalf("%s: %d %v, want %v %v", text, gotAt, err, wantAt, wantErr)
		}
	})
}

func TestIDs(t *testing.T) {
	t.Parallel()
	def := ColumnDef{Name: "item", Type: TypeID}
	for s, want := range map[string]bool{
		"A": true, "0": true, "a.b-c_D9": true, strings.Repeat("x", 64): true,
		"": false, ".a": false, "-a": false, "_a": false, "a/b": false, "../a": false, "a b": false, "a\n": false, "ä": false, strings.Repeat("x", 65): false,
	} {
		if got := CheckText(&def, s) == nil; got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// A fault is safe to print, whatever was in the cell.
func TestFaultsAreSafeToPrint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		cut := Cut(raw)
		if n := len([]rune(cut)); n > cutRunes+1 {
			t.Fatalf("%d runes", n)
		}
		for _, r := range cut {
			if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) {
				t.Fatalf("%q", cut)
			}
		}
	})
}

func FuzzCell(f *testing.F) {
	for _, s := range []string{"1", "-1.5", "2026-02-29", "2026-11-21T02:00:00-06:00", "1;2;3", "09:30", "true", "\x1b[0m", "1e9", "net"} {
		f.Add(s)
	}
	var cols []ColumnDef
	for _, c := range Contracts() {
		cols = append(cols, c.Columns...)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i := range cols {
			def := &cols[i]
			switch {
			case s == "":
			case def.Type.Texts():
				if f := CheckText(def, s); f != nil && (f.Reason == "" || f.Hint == "") {
					t.Fatalf("%s %q: %+v", def.Name, s, f)
				}
			case def.Type.Lists():
				list, err := ParseList(def, s, nil)
				for n, v := range list {
					if err == nil && CheckElement(def, v, n) != nil {
						t.Fatalf("%s %q: %d", def.Name, s, v)
					}
				}
			default:
				v, err := ParseInt(def, s)
				var fault *Fault
				if err != nil {
					if !errors.As(err, &fault) || fault.Column != def.Name || fault.Hint == "" {
						t.Fatalf("%s %q: %v", def.Name, s, err)
					}
					continue
				}
				if v < def.Min || v > def.Max {
					t.Fatalf("%s %q: %d is out of range", def.Name, s, v)
				}
				if again, err := ParseInt(def, FormatInt(def, v)); err != nil || again != v {
					t.Fatalf("%s %q: %d, then %d %v", def.Name, s, v, again, err)
				}
			}
		}
	})
}
