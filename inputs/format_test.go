package inputs

import "testing"

func TestAppendMilli(t *testing.T) {
	for v, want := range map[int64]string{0: "0", 2500: "2.5", -30: "-0.03", 1: "0.001", 1000: "1", -1234: "-1.234", 10: "0.01", 110: "0.11"} {
		if got := string(AppendMilli(nil, v)); got != want {
			t.Errorf("%d: %s, want %s", v, got, want)
		}
	}
}
