package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestWriteFileIsWholeOrNotAtAll lets each operation fail in turn: the name has the old contents or the new.
func TestWriteFileIsWholeOrNotAtAll(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := WriteFile(OS{}, name, []byte("old")); err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		f := &Faulty{FS: OS{}, N: n}
		err := WriteFile(f, name, []byte("new contents"))
		got, rerr := os.ReadFile(name)
		if rerr != nil || string(got) != "old" && string(got) != "new contents" {
			t.Fatalf("fault %d: %q %v", n, got, rerr)
		}
		if _, fired := f.Calls(); !fired {
			if err != nil || string(got) != "new contents" || n < 5 {
				t.Fatalf("%d operations: %q %v", n, got, err)
			}
			return
		}
		if !IsFull(err) {
			t.Errorf("fault %d: %v", n, err)
		}
	}
}

func TestPublishDir(t *testing.T) {
	root := t.TempDir()
	tmp, dir := filepath.Join(root, ".tmp"), filepath.Join(root, "dir")
	fill := func(text string) {
		if err := errors.Join(OS{}.MkdirAll(tmp), WriteSynced(OS{}, filepath.Join(tmp, "f"), []byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"first", "second"} {
		fill(text)
		if err := PublishDir(OS{}, tmp, dir); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(got) != text {
			t.Errorf("%q %v", got, err)
		}
	}
	if _, err := os.Stat(tmp); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestFree(t *testing.T) {
	n, err := OS{}.Free(filepath.Join(t.TempDir(), "not", "yet", "there"))
	if err != nil || n <= 0 {
		t.Errorf("%d %v", n, err)
	}
}
