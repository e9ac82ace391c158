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
	spent, err := timedPublish(ctx, s, need, dcs)
	if err != nil {
		return err
	}
	report(result{
		SKUs: skus, Seconds: spent.wall, CPUSeconds: spent.cpu, NsPerSKUCore: perSKUCore(spent.wall, skus, s),
		Extra: map[string]float64{"lines": float64(lines), "lines_per_s": float64(lines) / spent.wall},
	})
	return nil
}

// timedPublish publishes to a fresh broker in each run; starting it and making topics is not counted.
func timedPublish(ctx context.Context, s settings, need publish.Need, dcs []*planfile.DC) (took, error) {
	var wall, cpu []float64
	for i := range s.runs + 1 {
		t, err := publishOnce(ctx, need, dcs)
		if err != nil {
			return took{}, err
		}
		if i > 0 { // the first one warms up
			wall, cpu = append(wall, t.wall), append(cpu, t.cpu)
		}
	}
	return took{median(wall), median(cpu)}, nil
}

func publishOnce(ctx context.Context, need publish.Need, dcs []*planfile.DC) (t took, err error) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return took{}, fmt.Errorf("in-process broker: %w", err)
	}
	defer broker.Close()
	p, err := kafka.New(kafka.Config{Brokers: broker.ListenAddrs(), CreateTopics: true})
	if err != nil {
		return took{}, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.Check(ctx, need); err != nil {
		return took{}, err
	}
	began, used := time.Now(), cpuSeconds()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, dc := range dcs {
		g.Go(func() error {
			_, err := p.PublishDC(ctx, dc)
			return err
		})
	}
	err = g.Wait()
	return took{time.Since(began).Seconds(), cpuSeconds() - used}, err
}
