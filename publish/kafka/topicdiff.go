package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"echelon/publish"
	"echelon/publish/outcome"
)

// TopicDiff is a topic that the policy needs beside what the cluster has.
type TopicDiff struct {
	Layer       string
	Topic       string
	Missing     bool
	Partitions  int // the policy's
	Have        int // the cluster's
	Replication int
	Changes     []string // what TopicsApply would do
	Faults      []string // what keeps a cycle from being published
	Notes       []string // what is different and harmless
}

// TopicsPlan compares the topics of a tenant's policy with the cluster, layers in the order given, the
// manifest topic last. Nothing is changed.
func (p *Publisher) TopicsPlan(ctx context.Context, need publish.Need) ([]TopicDiff, error) {
	layers := append(slices.Clone(need.Layers), cyclesLayer)
	names := make([]string, len(layers))
	for i, l := range layers {
		names[i] = p.cfg.Topics.Name(need.Tenant, l)
	}
	where := "topics of " + need.Tenant
	details, err := p.adm.ListTopics(ctx, names...)
	if err != nil {
		return nil, classify(err, outcome.CodeUnavailable, where)
	}
	var there []string
	for _, n := range names {
		if d, ok := details[n]; ok && d.Err == nil {
			there = append(there, n)
		}
	}
	conf := make(map[string]map[string]string)
	if len(there) > 0 {
		described, err := p.adm.DescribeTopicConfigs(ctx, there...)
		if err != nil && !isAny(err, denied...) {
			return nil, classify(err, outcome.CodeUnavailable, where)
		}
		for _, r := range described {
			if r.Err != nil {
				continue // not allowed to see: judged by what is visible
			}
			conf[r.Name] = make(map[string]string)
			for _, c := range r.Configs {
				if c.Value != nil {
					conf[r.Name][c.Key] = *c.Value
				}
			}
		}
	}
	diffs := make([]TopicDiff, len(layers))
	for i, layer := range layers {
		d := details[names[i]]
		diffs[i] = TopicDiff{Layer: layer, Topic: names[i], Partitions: p.cfg.Topics.Count(layer)}
		switch {
		case d.Err == nil && len(d.Partitions) > 0:
			p.compare(&diffs[i], d, conf[names[i]])
		case d.Err == nil || isAny(d.Err, kerr.UnknownTopicOrPartition):
			diffs[i].Missing = true
			diffs[i].Changes = []string{fmt.Sprintf("create with %d partitions", diffs[i].Partitions)}
			diffs[i].Faults = []string{"is missing"}
		default:
			return nil, classify(fmt.Errorf("topic %s: %w", names[i], d.Err), outcome.CodeAgain, where)
		}
	}
	return diffs, nil
}

// compare judges a topic that exists. More or fewer partitions than the policy says are used as they are:
// moving keys to other partitions is a decision for people.
func (p *Publisher) compare(d *TopicDiff, have kadm.TopicDetail, conf map[string]string) {
	d.Have = len(have.Partitions)
	d.Replication = have.Partitions.NumReplicas()
	if d.Have < d.Partitions {
		d.Changes = append(d.Changes, fmt.Sprintf("add partitions: %d to %d", d.Have, d.Partitions))
	}
	if d.Have != d.Partitions {
		d.Notes = append(d.Notes, fmt.Sprintf("has %d partitions, the policy says %d", d.Have, d.Partitions))
	}
	want := p.cfg.Topics.configs(d.Layer)
	for _, key := range sortedKeys(want) {
		if got, ok := conf[key]; ok && got != *want[key] {
			d.Changes = append(d.Changes, fmt.Sprintf("set %s: %s to %s", key, got, *want[key]))
			d.Notes = append(d.Notes, fmt.Sprintf("has %s=%s, the policy says %s", key, got, *want[key]))
		}
	}
	policy, known := conf["cleanup.policy"]
	switch {
	case d.Layer == cyclesLayer && known && policy != "compact":
		d.Faults = append(d.Faults, "must be compacted (cleanup.policy=compact): what it forgets would be published twice")
	case d.Layer != cyclesLayer && known && policy != "delete":
		d.Faults = append(d.Faults, "must not be compacted: lines share keys")
	}
	if insync, err := strconv.Atoi(conf["min.insync.replicas"]); err == nil && insync > d.Replication {
		d.Faults = append(d.Faults, fmt.Sprintf("min.insync.replicas %d exceeds its %d replicas: nothing can be written", insync, d.Replication))
	}
	if size, err := strconv.ParseInt(conf["max.message.bytes"], 10, 64); err == nil && size < int64(p.cfg.BatchBytes)+512 {
		d.Faults = append(d.Faults, fmt.Sprintf("max.message.bytes %d is under the batch bytes of %d", size, p.cfg.BatchBytes))
	}
}

// TopicsApply makes what TopicsPlan found: missing topics, settings that differ, partitions that are too
// few. It never takes partitions away.
func (p *Publisher) TopicsApply(ctx context.Context, need publish.Need) error {
	diffs, err := p.TopicsPlan(ctx, need)
	if err != nil {
		return err
	}
	where := "topics of " + need.Tenant
	for i := range diffs {
		if err := p.applyTopic(ctx, &diffs[i]); err != nil {
			return classify(fmt.Errorf("topic %s: %w", diffs[i].Topic, err), outcome.CodeAgain, where)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.counts)
	return nil
}

func (p *Publisher) applyTopic(ctx context.Context, d *TopicDiff) error {
	want := p.cfg.Topics.configs(d.Layer)
	if d.Missing {
		resp, err := p.adm.CreateTopic(ctx, int32(d.Partitions), p.cfg.Topics.Replication, want, d.Topic)
		if err == nil {
			err = resp.Err
		}
		if isAny(err, kerr.TopicAlreadyExists) {
			return nil // another worker was faster
		}
		return err
	}
	if len(d.Changes) == 0 {
		return nil
	}
	if d.Have < d.Partitions {
		resp, err := p.adm.UpdatePartitions(ctx, d.Partitions, d.Topic)
		if err != nil {
			return err
		}
		if err := resp.Error(); err != nil {
			return err
		}
	}
	var alter []kadm.AlterConfig
	for _, key := range sortedKeys(want) {
		alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: want[key]})
	}
	resp, err := p.adm.AlterTopicConfigs(ctx, alter, d.Topic)
	if err != nil {
		return err
	}
	for _, r := range resp {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}
