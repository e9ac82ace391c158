package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"echelon/cdc/decode"
	"echelon/cdc/follow"
	"echelon/cmd/echelon/feeds"
	"echelon/publish/cycle"
	"echelon/publish/kafka"
)

// feedFlags say how change topics are read.
type feedFlags struct {
	atLeast, restored string
	wait              time.Duration
}

func (f *feedFlags) flags(fs *pflag.FlagSet) {
	fs.StringVar(&f.atLeast, "at-least", "", "of change topics: offsets that the cut has to reach, topic/partition=offset,… (default: where the topics end now)")
	fs.DurationVar(&f.wait, "wait", 5*time.Minute, "of change topics: how long the cut may take; refused with 75 after that")
	fs.StringVar(&f.restored, "accept-restore", "", "of change topics: sources that were restored to an earlier position and count from there: A,B")
}

const feedScheme = "kafka://"

// isFeed reports whether inputs are change topics.
func isFeed(inputs string) bool { return strings.HasPrefix(inputs, feedScheme) }

// feedCluster is the cluster of the change topics: its addresses from the inputs, everything else as for publishing.
func feedCluster(inputs string, b *brokerFlags) kafka.Config {
	cfg := b.cfg
	t := &cfg.TLS
	t.Enabled = t.Enabled || t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || t.ServerName != ""
	cfg.Registry.URL = b.registry
	for _, addr := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(inputs, feedScheme), "/"), ",") {
		if addr = strings.TrimSpace(addr); addr != "" {
			cfg.Brokers = append(cfg.Brokers, addr)
		}
	}
	return cfg
}

// registryOf is the registry of the change topics, nil where none is named.
func registryOf(cfg kafka.Config) (decode.Registry, error) {
	client, err := cfg.Registry.Client()
	if err != nil || client == nil {
		return nil, err
	}
	return decode.NewRegistry(client, cfg.StartTimeout), nil
}

// feed makes the part of a cycle's configuration that reads its inputs from change topics: once, from the newest
// checkpoint on, up to where the topics end. closing lets go of them after the cycle.
func (f *runFlags) feed(c *cycle.Config) (closing func() error, err error) {
	cluster := feedCluster(f.inputs, &f.brokerFlags)
	if err := cluster.Validate(); err != nil {
		return nil, &usageError{fmt.Errorf("--inputs %s: %w", f.inputs, err)}
	}
	want := feeds.Want{Wait: f.wait}
	if f.atLeast != "" {
		if want.AtLeast, err = follow.Wants(f.atLeast); err != nil {
			return nil, usagef("--at-least %w", err)
		}
	}
	var open *feeds.Feeds
	c.Feed = func(ctx context.Context) (*cycle.Feed, error) {
		opt := feeds.Options{State: f.state, Tenant: f.tenant, Mapping: f.mapping, Now: c.Now}
		if f.restored != "" {
			opt.Restored = strings.Split(f.restored, ",")
		}
		var err error
		if opt.Client, err = cluster.ClientOptions(); err != nil {
			return nil, err
		}
		if opt.Registry, err = registryOf(cluster); err != nil {
			return nil, err
		}
		if open, err = feeds.Open(ctx, opt); err != nil {
			return nil, err
		}
		said := time.Now()
		want.Progress = func(missing int64) {
			if now := time.Now(); now.Sub(said) >= 3*time.Second {
				said = now
				c.On(cycle.Event{Stage: "open", Text: fmt.Sprintf("change topics: %d offsets to go", missing)})
			}
		}
		return readOnce(ctx, open, want)
	}
	return func() error {
		if open == nil {
			return nil
		}
		return open.Close()
	}, nil
}

// readOnce follows until a cut is made and a checkpoint of it written.
func readOnce(ctx context.Context, fd *feeds.Feeds, want feeds.Want) (*cycle.Feed, error) {
	following, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := fd.Run(following); err != nil {
			stop(err)
		}
	})
	cut, err := fd.Cut(following, want)
	if err == nil {
		err = fd.Checkpoint(following, false)
	}
	if cause := context.Cause(following); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	stop(nil)
	wg.Wait()
	if err != nil {
		return nil, err
	}
	return fd.Feed(cut), nil
}
