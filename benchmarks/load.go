package main

import (
	"context"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"echelon/inputs/store"
)

// loadSnapshot writes the network as a snapshot and times reading it back whole, digests checked, as many
// DCs at once as there are workers. The file cache holds the files.
func loadSnapshot(ctx context.Context, s settings, report func(result)) error {
	dir := filepath.Join(s.dir, "snapshot")
	skus, resident, size, err := writeSnapshot(ctx, s, dir)
	if err != nil {
		return err
	}
	spent, err := timed(ctx, s, func() error {
		snap, err := store.Open(dir, "example")
		if err != nil {
			return err
		}
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(s.workers, 1))
		for _, dc := range snap.Network.DCs {
			g.Go(func() error {
				_, err := snap.Partition(ctx, dc)
				return err
			})
		}
		return g.Wait()
	})
	if err != nil {
		return err
	}
	report(result{
		SKUs: skus, Seconds: spent.wall, CPUSeconds: spent.cpu, NsPerSKUCore: perSKUCore(spent.wall, skus, s), BytesPerSKU: float64(resident) / float64(skus),
		Extra: map[string]float64{"disk_bytes_per_sku": float64(size) / float64(skus)},
	})
	return nil
}

// writeSnapshot writes the default network to dir and tells its rows, bytes in memory and bytes on disk.
func writeSnapshot(ctx context.Context, s settings, dir string) (skus, resident, size int64, err error) {
	m, err := inMemory(ctx, s)
	if err != nil {
		return 0, 0, 0, err
	}
	w, err := store.Create(dir)
	if err != nil {
		return 0, 0, 0, err
	}
	if err := w.Network(m.net); err != nil {
		return 0, 0, 0, err
	}
	for _, dc := range m.net.DCs {
		if err := w.Add(store.NameOf(m.net, dc), m.parts[dc]); err != nil {
			return 0, 0, 0, err
		}
	}
	manifest, err := w.Close(nil, nil)
	if err != nil {
		return 0, 0, 0, err
	}
	for _, d := range manifest.DCs {
		size += d.Bytes
	}
	return m.skus, m.bytes, size, nil
}
