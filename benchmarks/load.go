package main

import (
	"context"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"echelon/fixtures/generate"
	"echelon/inputs/store"
)

// loadSnapshot writes the network as a snapshot and times reading it, digests checked, as many DCs at once as there
// are workers, each given back when it is loaded, as planning does: every DC for the first time, and every DC once
// more, as those below another DC are. The file cache holds the files.
func loadSnapshot(ctx context.Context, s settings, report func(result)) error {
	dir := filepath.Join(s.dir, "snapshot")
	if err := writeSnapshot(ctx, s, dir, func(generate.Progress) {}); err != nil {
		return err
	}
	bandwidth := readBandwidth(max(s.workers, 1))
	var snap *store.Snapshot
	var skus, resident int64
	first, err := timed(ctx, s, func() (err error) {
		if snap, err = store.Open(dir, ""); err == nil {
			skus, resident, err = loadAll(ctx, s, snap)
		}
		return err
	})
	if err != nil {
		return err
	}
	again, err := timed(ctx, s, func() error {
		_, _, err := loadAll(ctx, s, snap)
		return err
	})
	if err != nil {
		return err
	}
	var size int64
	for _, d := range snap.Manifest.DCs {
		size += d.Bytes
	}
	for i, spent := range []took{first, again} {
		report(result{
			SKUs: skus, Seconds: spent.wall, CPUSeconds: spent.cpu, NsPerSKUCore: perSKUCore(spent.wall, skus, s), BytesPerSKU: float64(resident) / float64(skus),
			Extra: map[string]float64{
				"disk_bytes_per_sku": float64(size) / float64(skus), "cpu_ns_per_sku": spent.cpu * 1e9 / float64(skus),
				"read_gb_s": bandwidth / 1e9, "share_of_read_bandwidth": float64(resident) / spent.wall / bandwidth,
			},
			Text: []string{"first", "again"}[i],
		})
	}
	return nil
}

// loadAll loads every DC once and tells rows and bytes.
func loadAll(ctx context.Context, s settings, snap *store.Snapshot) (skus, resident int64, err error) {
	var rows, bytes atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(s.workers, 1))
	for _, dc := range snap.Network.DCs {
		g.Go(func() error {
			p, err := snap.Partition(ctx, dc)
			if err != nil {
				return err
			}
			rows.Add(int64(p.Live))
			bytes.Add(bytesOf(p))
			snap.Release(p)
			return nil
		})
	}
	err = g.Wait()
	return rows.Load(), bytes.Load(), err
}

// writeSnapshot writes the default network to dir, DC by DC.
func writeSnapshot(ctx context.Context, s settings, dir string, on func(generate.Progress)) error {
	g, err := network(s)
	if err != nil {
		return err
	}
	_, err = g.Write(ctx, dir, generate.Snapshot, on)
	return err
}
