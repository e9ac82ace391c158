package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/publish/outcome"
)

// ErrSuperseded is the cause of the error for a DC that must not be published any more: a later cycle was
// planned without its releases.
var ErrSuperseded = errors.New("superseded")

// verdict is what a failed attempt means for the next one.
type verdict uint8

const (
	startOver verdict = iota // a fresh client may get through
	final                    // it will fail in the same way
	fenced                   // another producer took over: a fresh one of ours would fence it
)

var denied = []*kerr.Error{
	kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
	kerr.TransactionalIDAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism,
	kerr.IllegalSaslState,
}

// loggedOut are those of denied that come before any grant is asked for.
var loggedOut = []*kerr.Error{kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState}

func isAny(err error, kinds ...*kerr.Error) bool {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// judge says whether starting over makes sense. An invalid epoch means fenced or timed out: it counts as
// fenced while the transaction is younger than its time-out.
func judge(err error, timedOut bool) verdict {
	var classified *outcome.Error
	switch {
	case errors.As(err, &classified):
		if classified.Code == outcome.CodeFenced {
			return fenced
		}
		if classified.Code == outcome.CodeAgain {
			return startOver
		}
		return final
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return final
	case isAny(err, denied...), isAny(err, kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidTransactionTimeout):
		return final
	case isAny(err, kerr.ProducerFenced):
		return fenced
	case isAny(err, kerr.InvalidProducerEpoch) && !timedOut:
		return fenced
	}
	return startOver
}

// classify gives an error of the cluster its exit code; code is that of everything without one of its own.
func classify(err error, code int, where string) error {
	var classified *outcome.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &classified):
		return err
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", where, err)
	case isAny(err, loggedOut...):
		return &outcome.Error{
			Code: outcome.CodeDenied, Kind: "kafka_denied", Where: where,
			Hint: "the broker did not let us in: check mechanism, user and secret file (a token: issuer, audience, expiry)", Err: err,
		}
	case isAny(err, denied...):
		return &outcome.Error{
			Code: outcome.CodeDenied, Kind: "kafka_denied", Where: where,
			Hint: "grant Read, Write and Describe on the topics, Write and Describe on the transactional ids (docs/operations.md)", Err: err,
		}
	case isAny(err, kerr.MessageTooLarge, kerr.RecordListTooLarge):
		return &outcome.Error{
			Code: outcome.CodeConfig, Kind: "record_too_large", Where: where,
			Hint: "raise the batch bytes and the topics' max.message.bytes, or switch long projections off", Err: err,
		}
	case isAny(err, kerr.InvalidTransactionTimeout):
		return &outcome.Error{
			Code: outcome.CodeConfig, Kind: "transaction_timeout", Where: where,
			Hint: "lower the transaction time-out or raise the broker's transaction.max.timeout.ms", Err: err,
		}
	case isAny(err, kerr.ProducerFenced, kerr.InvalidProducerEpoch):
		return &outcome.Error{
			Code: outcome.CodeFenced, Kind: "fenced", Where: where,
			Hint: "another worker publishes this DC; look there, and run again when it is done", Err: err,
		}
	case isAny(err, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID):
		return &outcome.Error{
			Code: outcome.CodeConfig, Kind: "topic_missing", Where: where,
			Hint: "make the topics: echelon topics apply", Err: err,
		}
	}
	hint := "the plan files stay; run the same cycle again to publish them"
	kind := "kafka_failed"
	if code == outcome.CodeUnavailable {
		kind, hint = "broker_away", "check the addresses and that the cluster is up; the plan files stay"
	}
	return &outcome.Error{Code: code, Kind: kind, Where: where, Hint: hint, Err: err}
}

// fetchError gives the first error of a poll that is not a mere sign of its context.
func fetchError(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, context.Canceled) {
			continue
		}
		return fmt.Errorf("read %s partition %d: %w", e.Topic, e.Partition, e.Err)
	}
	return nil
}
