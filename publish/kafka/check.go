package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/publish"
	"echelon/publish/outcome"
)

// Check implements publish.Publisher: the cluster answers (else 69), lets us write (else 77), has limits
// and topics that fit (else 78), and the division of partitions among DCs is written down.
func (p *Publisher) Check(ctx context.Context, need publish.Need) error {
	where := strings.Join(p.cfg.Brokers, ",")
	first, cancel := context.WithTimeout(ctx, p.cfg.StartTimeout)
	defer cancel()
	if err := p.client.Ping(first); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p.cfg.SASL.Mechanism != "" && errors.Is(err, io.EOF) {
			return &outcome.Error{
				Code: outcome.CodeDenied, Kind: "kafka_denied", Where: where,
				Hint: "the broker hung up during the log-in: check user, secret, mechanism and TLS", Err: err,
			}
		}
		return classify(fmt.Errorf("no answer: %w", err), outcome.CodeUnavailable, where)
	}
	if err := p.checkLimits(ctx); err != nil {
		return err
	}
	diffs, err := p.TopicsPlan(ctx, need)
	if err != nil {
		return err
	}
	if p.cfg.CreateTopics && slices.ContainsFunc(diffs, func(d TopicDiff) bool { return d.Missing }) {
		if err := p.TopicsApply(ctx, need); err != nil {
			return err
		}
		// New topics show in the metadata a little later.
		for slices.ContainsFunc(diffs, func(d TopicDiff) bool { return d.Missing }) && first.Err() == nil {
			if diffs, err = p.TopicsPlan(ctx, need); err != nil {
				return err
			}
			select {
			case <-first.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	var faults []error
	for _, d := range diffs {
		for _, f := range d.Faults {
			faults = append(faults, fmt.Errorf("%s: %s", d.Topic, f))
		}
	}
	if len(faults) > 0 {
		return &outcome.Error{
			Code: outcome.CodeConfig, Kind: "topics_differ", Where: where,
			Hint: "look with `echelon topics plan`, make them with `echelon topics apply`", Err: errors.Join(faults...),
		}
	}
	if err := p.checkRights(ctx, need); err != nil {
		return err
	}
	if err := p.keepRanges(ctx, need); err != nil {
		return classify(err, outcome.CodeAgain, where)
	}
	return nil
}

// checkLimits compares the broker's limits with what the settings need.
func (p *Publisher) checkLimits(ctx context.Context) error {
	longest := p.longestTransaction(ctx)
	p.mu.Lock()
	batchMax := p.batchMax
	p.mu.Unlock()
	var faults []error
	if t := p.cfg.TransactionTimeout; t > longest {
		faults = append(faults, fmt.Errorf("transaction time-out %s is over the broker's transaction.max.timeout.ms of %s", t, longest))
	}
	if p.cfg.TransactionTimeout == 0 && longest < 10*time.Second {
		faults = append(faults, fmt.Errorf("the broker's transaction.max.timeout.ms of %s is too short for any DC; want at least 10s", longest))
	}
	// Batches are bounded before compression; the header and a codec that gains nothing come on top.
	if batchMax > 0 && int64(p.cfg.BatchBytes)+512 > batchMax {
		faults = append(faults, fmt.Errorf("batch bytes %d do not fit the broker's message.max.bytes of %d", p.cfg.BatchBytes, batchMax))
	}
	if len(faults) == 0 {
		return nil
	}
	return &outcome.Error{
		Code: outcome.CodeConfig, Kind: "broker_limits", Where: strings.Join(p.cfg.Brokers, ","),
		Hint: "change the setting or the broker's limit", Err: errors.Join(faults...),
	}
}

// bit of an operation in the authorized operations of a topic; the field is this when the broker does not say.
const operationsUnknown = -1 << 31

// checkRights proves the grants for the transactional ids of this tenant and for its topics.
func (p *Publisher) checkRights(ctx context.Context, need publish.Need) error {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for _, layer := range append(slices.Clone(need.Layers), cyclesLayer) {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(p.cfg.Topics.Name(need.Tenant, layer))
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, p.client)
	if err != nil {
		return classify(err, outcome.CodeUnavailable, "topics of "+need.Tenant)
	}
	var faults []error
	for _, t := range resp.Topics {
		name := ""
		if t.Topic != nil {
			name = *t.Topic
		}
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			faults = append(faults, fmt.Errorf("topic %s: %w", name, err))
			continue
		}
		if t.AuthorizedOperations == operationsUnknown {
			continue
		}
		for _, op := range []kmsg.ACLOperation{kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe, kmsg.ACLOperationRead} {
			if t.AuthorizedOperations&(1<<op) == 0 {
				faults = append(faults, fmt.Errorf("topic %s: %s is not granted: %w", name, op, kerr.TopicAuthorizationFailed))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return classify(err, outcome.CodeAgain, "topics of "+need.Tenant)
	}
	id := p.transactionalID(need.Tenant, "#check")
	opts, err := p.cfg.producer(id, 10*time.Second)
	if err != nil {
		return err
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("producer: %w", err)
	}
	defer cl.Close()
	if _, _, err := cl.ProducerID(ctx); err != nil {
		return classify(fmt.Errorf("transactional id %s: %w", id, err), outcome.CodeAgain, strings.Join(p.cfg.Brokers, ","))
	}
	return nil
}
