package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"echelon/publish"
	"echelon/publish/kafka"
	"echelon/publish/planfile"
)

// publishPlan times the way from plan files to the topics of an in-process broker that keeps nothing on
// disk, two DCs at once, each DC one transaction or more with its manifest. Broker and client share the cores.
func publishPlan(ctx context.Context, s settings, report func(result)) error {
	dcs, err := planFiles(ctx, s, filepath.Join(s.dir, "publish"))
	if err != nil {
		return err
	}
	need := publish.Need{Tenant: dcs[0].Manifest.Tenant, SKUsOfDC: map[string]int64{}}
	var skus, lines int64
	for _, dc := range dcs {
		need.DCs = append(need.DCs, dc.Manifest.DC)
		need.SKUsOfDC[dc.Manifest.DC] = dc.Manifest.SKUs
		skus += dc.Manifest.SKUs
		lines += dc.Manifest.Lines()
		for _, l := range dc.Manifest.Layers {
			if !slices.Contains(need.Layers, l.Layer) {
				need.Layers = append(need.Layers, l.Layer)
			}
		}
	}
	slices.Sort(need.DCs)
	need.AllDCs = need.DCs
	seconds, err := timedPublish(ctx, s, need, dcs)
	if err != nil {
		return err
	}
	report(result{
		SKUs: skus, Seconds: seconds, NsPerSKUCore: perSKUCore(seconds, skus, s),
		Extra: map[string]float64{"lines": float64(lines), "lines_per_s": float64(lines) / seconds},
	})
	return nil
}

// timedPublish publishes to a fresh broker in each run; starting it and making topics is not counted.
func timedPublish(ctx context.Context, s settings, need publish.Need, dcs []*planfile.DC) (float64, error) {
	var seconds []float64
	for range s.runs + 1 {
		took, err := publishOnce(ctx, need, dcs)
		if err != nil {
			return 0, err
		}
		seconds = append(seconds, took)
	}
	seconds = seconds[1:] // the first one warms up
	slices.Sort(seconds)
	return seconds[len(seconds)/2], nil
}

func publishOnce(ctx context.Context, need publish.Need, dcs []*planfile.DC) (took float64, err error) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return 0, fmt.Errorf("in-process broker: %w", err)
	}
	defer broker.Close()
	p, err := kafka.New(kafka.Config{Brokers: broker.ListenAddrs(), CreateTopics: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.Check(ctx, need); err != nil {
		return 0, err
	}
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, dc := range dcs {
		g.Go(func() error {
			_, err := p.PublishDC(ctx, dc)
			return err
		})
	}
	err = g.Wait()
	return time.Since(start).Seconds(), err
}
