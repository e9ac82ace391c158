package main

import (
	"context"
	"errors"
	"io"
	"reflect"

	"echelon/fixtures/generate"
	"echelon/inputs"
	"echelon/inputs/build"
)

// network makes the default network of the asked size.
func network(s settings) (*generate.Net, error) {
	return generate.New(generate.Config{SKUs: s.skus, DCs: s.dcs, Seed: s.seed})
}

// buildSnapshot makes the snapshot from tables that lie in memory as batches, so that neither the generator
// nor a disk is measured.
func buildSnapshot(ctx context.Context, s settings, report func(result)) error {
	net, err := network(s)
	if err != nil {
		return err
	}
	data, err := gather(ctx, net.Source(), net.Tables())
	if err != nil {
		return err
	}
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
	report(result{SKUs: live, Seconds: spent.wall, CPUSeconds: spent.cpu, NsPerSKUCore: spent.wall * 1e9 / float64(live), BytesPerSKU: float64(bytes) / float64(live)})
	return nil
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
