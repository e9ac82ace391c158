package follow

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"echelon/inputs"
)

func TestQuarantineFile(t *testing.T) {
	dir := t.TempDir()
	fault := func(offset int64) inputs.Fault {
		return inputs.Fault{Table: "inventory", Reason: inputs.OutOfRange, Column: "on_hand", Value: "-4", Hint: "h", Source: "wms.stock-3", Position: offset}
	}
	read := func() string {
		raw, err := os.ReadFile(filepath.Join(dir, "00000001.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	q, err := OpenQuarantine(dir)
	if err != nil {
		t.Fatal(err)
	}
	q.Add(fault(4))
	q.Add(fault(9))
	if err := q.Flush(); err != nil {
		t.Fatal(err)
	}
	line := func(offset int64) string {
		return fmt.Sprintf(`{"table":"inventory","reason":"out_of_range","column":"on_hand","value":"-4","hint":"h","source":"wms.stock-3","offset":%d}`+"\n", offset)
	}
	if got := read(); got != line(4)+line(9) {
		t.Fatal(got)
	}
	// killed while a line was written; read again from the checkpoint
	if err := os.WriteFile(filepath.Join(dir, "00000001.jsonl"), []byte(line(4)+line(9)+line(11)[:30]), 0o644); err != nil {
		t.Fatal(err)
	}
	if q, err = OpenQuarantine(dir); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{4, 9, 11, 12} {
		q.Add(fault(offset))
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != line(4)+line(9)+line(11)+line(12) {
		t.Error(got)
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	dir := t.TempDir()
	q, err := OpenQuarantine(dir)
	if err != nil {
		t.Fatal(err)
	}
	hint := strings.Repeat("x", 1<<20)
	for i := range int64(16 * (quarantineFiles + 3)) {
		q.Add(inputs.Fault{Table: "nodes", Source: "t-0", Position: i, Hint: hint})
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if len(names) != quarantineFiles || !strings.HasSuffix(names[0], "00000005.jsonl") {
		t.Errorf("%d files from %s", len(names), names[0])
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Size() > quarantineFile {
			t.Errorf("%s: %v %v", name, info.Size(), err)
		}
	}
}
