package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"echelon/fixtures/generate"
	"echelon/inputs"
	"echelon/inputs/build"
	files "echelon/inputs/feed"
	"echelon/inputs/store"
)

// network makes the default network of the asked size.
func network(s settings) (*generate.Net, error) {
	return generate.New(generate.Config{SKUs: s.skus, DCs: s.dcs, Seed: s.seed})
}

// inOnePiece is the largest network whose tables are kept in memory as batches.
const inOnePiece = 2_000_000

// buildSnapshot makes the snapshot from tables that lie in memory as batches, so that neither the generator
// nor a disk is measured, and from Parquet files into a snapshot on disk, in parts where they are larger than memory, as
// `run` does. Larger networks are made from files alone.
func buildSnapshot(ctx context.Context, s settings, report func(result)) error {
	if s.largest <= inOnePiece { // one form for all sizes: their growth is what is asked for
		if err := buildInMemory(ctx, s, report); err != nil {
			return err
		}
	}
	return buildOnDisk(ctx, s, report)
}

// buildInMemory makes it from tables in memory.
func buildInMemory(ctx context.Context, s settings, report func(result)) error {
	net, err := network(s)
	if err != nil {
		return err
	}
	data, err := gather(ctx, net.Source(), net.Tables())
	if err != nil {
		return err
	}
	var tables int64
	for _, list := range data {
		for _, b := range list {
			tables += deepSize(reflect.ValueOf(b))
		}
	}
	bandwidth := readBandwidth(max(s.workers, 1))
	cfg := net.Config()
	var bytes, live int64
	spent, err := timed(ctx, s, func() error {
		built, err := build.Snapshot(ctx, data, build.Options{Tenant: cfg.Tenant, AsOf: cfg.AsOf, Horizon: cfg.Days})
		if err != nil {
			return err
		}
		bytes, live = 0, 0
		for _, p := range built.Partitions {
			bytes += bytesOf(p)
			live += int64(p.Live)
		}
		return nil
	})
	if err != nil {
		return err
	}
	extra := map[string]float64{"cpu_ns_per_sku": spent.cpu * 1e9 / float64(live), "table_bytes_per_sku": float64(tables) / float64(live)}
	readShare(extra, tables, spent.wall, bandwidth)
	report(result{
		SKUs: live, Seconds: spent.wall, CPUSeconds: spent.cpu, NsPerSKUCore: perSKUCore(spent.wall, live, s), BytesPerSKU: float64(bytes) / float64(live),
		Extra: extra, Text: "in memory",
	})
	return nil
}

// buildMemory is what a part of a network built in parts may take, and bytesPerByte what a byte of its Parquet files
// takes in memory: 6.1 to 7.3 at 10 M SKUs, with what the collector leaves.
const (
	buildMemory  = 4 << 30
	bytesPerByte = 8
)

// buildOnDisk makes the snapshot of a network whose tables do not fit into memory: Parquet files, digested and read,
// rows divided, parts built and written, all of it counted. The tables are generated before.
func buildOnDisk(ctx context.Context, s settings, report func(result)) error {
	net, err := network(s)
	if err != nil {
		return err
	}
	tables := filepath.Join(s.dir, fmt.Sprintf("tables-%d", s.skus))
	if _, err := os.Stat(tables); os.IsNotExist(err) {
		told := newMeter("generate", s.skus)
		if _, err := net.Write(ctx, tables, generate.Parquet, func(p generate.Progress) { told.at(p.Rows) }); err != nil {
			return err
		}
	}
	size, err := sizeBelow(tables)
	if err != nil {
		return err
	}
	bandwidth := readBandwidth(max(s.workers, 1))
	parts := int(1 + size*bytesPerByte/buildMemory)
	cfg, dir := net.Config(), filepath.Join(s.dir, "built")
	if err := forgetPeak(); err != nil {
		return err
	}
	s.runs = 1
	var live int64
	spent, err := once(func() error {
		folder, err := files.Open(ctx, tables, files.Options{Quarantine: func(inputs.Fault) {}})
		if err != nil {
			return err
		}
		w, err := store.Create(dir)
		if err != nil {
			return err
		}
		_, _, err = build.Stream(ctx, divisible{folder}, build.Options{Tenant: cfg.Tenant, AsOf: cfg.AsOf, Horizon: cfg.Days}, parts, dir+".scratch", w)
		if err != nil {
			return errors.Join(err, w.Abort())
		}
		m, err := w.Close(nil, nil)
		if err == nil {
			live = m.Rows
		}
		return err
	})
	if err != nil {
		return err
	}
	peak, err := peakBytes()
	if err != nil {
		return err
	}
	written, err := sizeBelow(dir)
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	extra := map[string]float64{
		"cpu_ns_per_sku": spent.cpu * 1e9 / float64(live), "table_bytes_per_sku": float64(size) / float64(live), "parts": float64(parts),
		"disk_bytes_per_sku": float64(written) / float64(live), "peak_mib": float64(peak) / (1 << 20),
	}
	readShare(extra, size, spent.wall, bandwidth)
	report(result{
		SKUs: live, Seconds: spent.wall, CPUSeconds: spent.cpu, NsPerSKUCore: perSKUCore(spent.wall, live, s), BytesPerSKU: float64(written) / float64(live),
		Extra: extra, Text: "Parquet files → snapshot on disk",
	})
	return nil
}

// divisible makes the folder a builder's.
type divisible struct{ *files.Folder }

func (d divisible) Divide(ctx context.Context, dir string, parts int, of func(string) int) (build.Parts, error) {
	return d.Folder.Divide(ctx, dir, parts, of)
}

// gather reads tables into memory.
func gather(ctx context.Context, src inputs.Source, tables []string) (inputs.Dataset, error) {
	data := inputs.Dataset{}
	for _, t := range tables {
		r, err := src.Open(ctx, t)
		if err != nil {
			return nil, err
		}
		for {
			b, err := r.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			data[t] = append(data[t], b)
		}
		if err := r.Close(); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// bytesOf sums what the columns of a partition hold: the lengths of its slices times the sizes of their
// elements. Texts of references count with their headers and bytes.
func bytesOf(p *inputs.Partition) int64 {
	return sizeOf(reflect.ValueOf(p).Elem())
}

func sizeOf(v reflect.Value) int64 {
	switch v.Kind() {
	case reflect.Slice:
		n := int64(v.Len()) * int64(v.Type().Elem().Size())
		if v.Type().Elem().Kind() == reflect.String {
			for i := range v.Len() {
				n += int64(v.Index(i).Len())
			}
		}
		return n
	case reflect.Struct:
		var n int64
		for i := range v.NumField() {
			n += sizeOf(v.Field(i))
		}
		return n
	default:
		return 0
	}
}

// deepSize sums what the slices below a value hold, through pointers and slices of structs.
func deepSize(v reflect.Value) (n int64) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n = deepSize(v.Elem())
		}
	case reflect.Array:
		for i := range v.Len() {
			n += deepSize(v.Index(i))
		}
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.Struct, reflect.Pointer, reflect.Slice:
			for i := range v.Len() {
				n += deepSize(v.Index(i))
			}
		default:
			n = sizeOf(v)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += deepSize(v.Field(i))
		}
	default:
	}
	return n
}
