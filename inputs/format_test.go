package inputs

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestAppendMilli(t *testing.T) {
	for v, want := range map[int64]string{0: "0", 2500: "2.5", -30: "-0.03", 1: "0.001", 1000: "1", -1234: "-1.234", 10: "0.01", 110: "0.11"} {
		if got := string(AppendMilli(nil, v)); got != want {
			t.Errorf("%d: %s, want %s", v, got, want)
		}
	}
}

// TestJSONString: every text comes back from the standard decoder as it was, bad bytes as U+FFFD.
func TestJSONString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("ab\"\\\n\t\x00\x1f\x7f<&é\u2028😀"))),
			rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })).Draw(t, "text")
		raw := AppendJSONString([]byte("x"), text)
		if !utf8.Valid(raw) || raw[0] != 'x' {
			t.Fatalf("%q: %q", text, raw)
		}
		var got string
		if err := json.Unmarshal(raw[1:], &got); err != nil || got != string([]rune(text)) {
			t.Fatalf("%q: %q, %v", text, raw, err)
		}
	})
}
