package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
)

// rows adds a table given as text: columns parted by blanks, "-" null.
func rows(t testing.TB, d inputs.Dataset, table string, lines ...string) {
	t.Helper()
	head := strings.Fields(lines[0])
	b := inputs.NewBuilder(table)
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, c := range strings.Fields(line) {
			if c != "-" {
				row[head[i]] = c
			}
		}
		if err := b.Append(row); err != nil {
			t.Fatal(err)
		}
	}
	d[table] = []*inputs.Batch{b.Batch()}
}

// small is a snapshot in which every column has something.
func small(t testing.TB) *build.Built {
	t.Helper()
	d := inputs.Dataset{}
	rows(t, d, "nodes", "node kind zone receive_calendar group home_dc", "V vendor UTC - - -", "D1 dc UTC - - -", "D2 dc UTC - - -",
		"S1 store America/Chicago weekdays north -", "S2 store UTC - - D2", "S3 store UTC - - -")
	rows(t, d, "items", "item name category pack currency cost", "A apple food 6 EUR 120", "B - - - - -")
	rows(t, d, "lanes", "lane source destination method cutoff", "VD1 V D1 truck 15:30", "VD2 V D2 - -", "D1S1 D1 S1 - -", "VS2 V S2 - -", "VS3 V S3 - -", "D1D2 D1 D2 - -")
	rows(t, d, "calendars", "calendar rule weekdays valid_from", "weekdays 1 1;2;3;4;5 2026-01-01")
	rows(t, d, "calendar_days", "calendar date state why", "weekdays 2026-12-25 closed Christmas")
	rows(t, d, "skus", "item node policy moq safety_units", "A D1 - - -", "A D2 - - 4", "A S1 cover 12 -", "A S2 - - -", "A S3 - - -", "B D1 - - -", "B S1 - - -")
	rows(t, d, "inventory", "item node on_hand", "A D1 100", "A S1 7", "A S2 3", "A S3 4", "B S1 3")
	rows(t, d, "forecasts", "item node from daily", "A S1 2026-11-24 1;2;3;4;5;6;7;8;9", "A S2 2026-11-24 100.5;2", "A S3 2026-11-24 5000000;1", "B S1 2026-11-25 0.25")
	rows(t, d, "lots", "item node expires quantity", "A S1 2026-12-01 5")
	rows(t, d, "safety_stocks", "item node from units", "A S1 2026-12-01 5")
	rows(t, d, "carry", "item node units", "A S1 9")
	rows(t, d, "open_orders", "order line item destination source lane ordered due_on status release_id",
		"P1 1 A S1 D1 D1S1 12 2026-11-28 released R1", "P2 1 A S1 - - 3 2026-11-28 planned R9")
	rows(t, d, "releases", "release_id item destination source lane quantity order_day pick_day receive_day cycle as_of grace_until",
		"R2 A S1 D1 D1S1 6 2026-11-23 2026-11-23 2026-11-25 c1 2026-11-23T02:00:00Z 2026-11-25T02:00:00Z")
	b, err := build.Snapshot(context.Background(), d, build.Options{
		Tenant: "acme", AsOf: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC).UnixMicro(), Horizon: 28,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, b *build.Built) (string, *store.Manifest) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "snapshot")
	m, err := store.Write(dir, b.Network, b.Partitions, map[string]string{"skus.csv": "abc"},
		[]store.TableCounts{store.CountsOf("skus", b.Report.Counts("skus"))})
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

// load opens a snapshot and loads all of it.
func load(dir, tenant string) (*inputs.Network, []*inputs.Partition, error) {
	s, err := store.Open(dir, tenant)
	if err != nil {
		return nil, nil, err
	}
	var parts []*inputs.Partition
	for _, dc := range s.Network.DCs {
		p, err := s.Partition(context.Background(), dc)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, p)
	}
	return s.Network, parts, nil
}

func TestRoundTrip(t *testing.T) {
	b := small(t)
	dir, m := write(t, b)
	net, parts, err := load(dir, "acme")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.Network, net); diff != "" {
		t.Errorf("network: %s", diff)
	}
	if diff := cmp.Diff(b.Partitions, parts); diff != "" {
		t.Errorf("partitions: %s", diff)
	}
	if m.Rows != 7 || len(m.DCs) != 3 || m.DCs[2].DC != "_direct" || m.Cut["skus.csv"] != "abc" || m.Counts[0].Applied != 7 {
		t.Errorf("manifest: %+v", m)
	}
	var size int64
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if info, e := d.Info(); e == nil && !d.IsDir() {
			size += info.Size()
		}
		return err
	})
	if est := store.EstimateBytes(b.Network, b.Partitions); err != nil || size > est {
		t.Errorf("%d bytes on disk (%v), the estimate said %d", size, err, est)
	}
}

// kindOf gives the kind of a refusal; it fails on any other error.
func kindOf(t *testing.T, err error) string {
	t.Helper()
	var r *inputs.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("no refusal: %v", err)
	}
	return r.Kind
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	dir, m := write(t, small(t))
	opened, err := store.Open(dir, "acme")
	if err != nil {
		t.Fatal(err)
	}
	open := func() error { _, err := store.Open(dir, "acme"); return err }
	files := map[string]func() error{"manifest.json": open, m.Network.File: open}
	for i, e := range m.DCs {
		files[e.File] = func() error {
			_, err := opened.Partition(context.Background(), opened.Network.DCs[i])
			return err
		}
	}
	for name, read := range files {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		for at, b := range data {
			for bit := range 8 {
				if name != "manifest.json" && name != store.FileOf("_direct") && (at%4 != 0 || bit != at/4%8) {
					continue // a bit of every fourth byte of these, every bit of those
				}
				if _, err := f.WriteAt([]byte{b ^ 1<<bit}, int64(at)); err != nil {
					t.Fatal(err)
				}
				err := read()
				if err == nil {
					t.Fatalf("%s: bit %d of byte %d flipped and taken", name, bit, at)
				}
				kindOf(t, err)
			}
			if _, err := f.WriteAt([]byte{b}, int64(at)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(read(), f.Close()); err != nil || len(data) < 1000 {
			t.Fatalf("%s, whole again: %v", name, err)
		}
	}
}

func TestDamageIsRefusedByName(t *testing.T) {
	manifest := func(dir string, change func(m map[string]any)) error {
		path := filepath.Join(dir, "manifest.json")
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			return err
		}
		change(m["manifest"].(map[string]any))
		data, err = json.Marshal(m)
		if err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o600)
	}
	for _, c := range []struct {
		name, kind string
		damage     func(dir string) error
	}{
		{"truncated file", "truncated", func(dir string) error { return os.Truncate(filepath.Join(dir, "dc-D1.parquet"), 100) }},
		{"missing file", "file_missing", func(dir string) error { return os.Remove(filepath.Join(dir, "dc-D1.parquet")) }},
		{"missing network", "file_missing", func(dir string) error { return os.Remove(filepath.Join(dir, "network.parquet")) }},
		{"no manifest", "half_written", func(dir string) error { return os.Remove(filepath.Join(dir, "manifest.json")) }},
		{"swapped files", "truncated digest_mismatch", func(dir string) error {
			return os.Rename(filepath.Join(dir, "dc-D2.parquet"), filepath.Join(dir, "dc-D1.parquet"))
		}},
		{"edited manifest", "manifest_damaged", func(dir string) error {
			return manifest(dir, func(m map[string]any) { m["layout"] = 2 })
		}},
		{"empty manifest", "manifest_damaged", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{}"), 0o600)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, _ := write(t, small(t))
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			_, _, err := load(dir, "acme")
			if kind := kindOf(t, err); !strings.Contains(c.kind, kind) {
				t.Errorf("kind %s, want %s", kind, c.kind)
			}
		})
	}
	dir, _ := write(t, small(t))
	if _, _, err := load(dir, "other"); kindOf(t, err) != "other_tenant" {
		t.Errorf("other tenant: %v", err)
	}
	if _, err := store.Create(dir); err == nil {
		t.Error("a snapshot must not be written over")
	}
}

func TestHalfWrittenSnapshotHasNoName(t *testing.T) {
	b := small(t)
	dir := filepath.Join(t.TempDir(), "snapshot")
	w, err := store.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add("D1", b.Partitions[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the folder must not have its name yet")
	}
	if _, err := w.Close(nil, nil); err == nil {
		t.Error("closed without a network")
	}
	if _, err := store.Write(dir, b.Network, b.Partitions, nil, nil); err != nil {
		t.Errorf("a later attempt starts anew: %v", err)
	}
}

// Memory that is given back and filled again gives the same partitions, and holds nothing of what it had.
func TestReleasedMemoryIsFilledAnew(t *testing.T) {
	b := small(t)
	dir, m := write(t, b)
	s, err := store.Open(dir, "acme")
	if err != nil {
		t.Fatal(err)
	}
	order := []int{0, 1, 2, 2, 0, 1, 0, 2, 1, 1}
	for round, i := range order {
		dc := s.Network.DCs[i]
		p, err := s.Partition(t.Context(), dc)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b.Partitions[i], p, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("round %d, DC %d: %s", round, i, diff)
		}
		spoil(p)
		s.Release(p)
		if got := s.PartitionBytes(dc); got <= m.DCs[i].Bytes || got != m.DCs[i].Bytes+m.DCs[i].Memory {
			t.Errorf("DC %d takes %d bytes, its file has %d, its columns %d", i, got, m.DCs[i].Bytes, m.DCs[i].Memory)
		}
	}
	// A file that was right once is still checked.
	name := filepath.Join(dir, m.DCs[0].File)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Partition(t.Context(), s.Network.DCs[0]); err == nil || kindOf(t, err) != "digest_mismatch" {
		t.Errorf("a bit flipped after the first load: %v", err)
	}
}

// spoil writes over every column of a partition.
func spoil(p *inputs.Partition) {
	v := reflect.ValueOf(p).Elem()
	var over func(v reflect.Value)
	over = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				over(v.Field(i))
			}
		case reflect.Slice:
			for i := range v.Len() {
				over(v.Index(i))
			}
		case reflect.Bool:
			v.SetBool(true)
		case reflect.String:
			v.SetString("spoilt")
		case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			v.SetUint(77)
		default:
			v.SetInt(77)
		}
	}
	over(v)
}
