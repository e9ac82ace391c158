package follow

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/inputs"
)

// TestCompressionBomb: a batch that unpacks to more than may be is refused by name, whatever it is packed with; what
// stood before it is in, nothing behind it is.
func TestCompressionBomb(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.cfg.BatchBytes = 1 << 20
			first, last := w.node("S1"), w.node("S1")
			last.Key, last.Value = w.node("S2").Key, w.node("S2").Value
			w.send(first)
			bomb := &kgo.Record{Topic: first.Topic, Partition: first.Partition, Key: first.Key, Value: bytes.Repeat([]byte(" "), 4<<20)}
			pack := w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(8<<20))
			if err := pack.ProduceSync(t.Context(), bomb).FirstErr(); err != nil {
				t.Fatal(err)
			}
			w.send(last)
			r := w.follow()
			select {
			case <-r.ended:
			case <-time.After(20 * time.Second):
				t.Fatalf("a bomb is read, or waited for: %+v", r.Status())
			}
			var refused *inputs.Refusal
			if !errors.As(r.err, &refused) || refused.Kind != "batch_too_large" || refused.Where != fmt.Sprintf("%s-%d", nodesTopic, first.Partition) {
				t.Errorf("ended with %v", r.err)
			}
			if got := dump(t, w.state.Cut()); got != "nodes node=S1 kind=store zone=UTC\n" {
				t.Errorf("the state holds\n%s", got)
			}
		})
	}
}

// TestDeniedWhileFollowing: a right that is taken away ends the feed with the topic's name, and the state stays.
func TestDeniedWhileFollowing(t *testing.T) {
	w := newWorld(t)
	w.send(w.node("S1"))
	r := w.follow()
	before := r.cut()
	w.cluster.ControlKey(1, func(req kmsgRequest) (kmsgResponse, error, bool) {
		w.cluster.KeepControl()
		fetch, ok := req.(*kmsg.FetchRequest)
		if !ok || len(fetch.Topics) == 0 {
			return nil, nil, false
		}
		resp, ok := req.ResponseKind().(*kmsg.FetchResponse)
		if !ok {
			return nil, nil, false
		}
		topic := fetch.Topics[0]
		part := kmsg.NewFetchResponseTopicPartition()
		part.Partition, part.ErrorCode = topic.Partitions[0].Partition, kerr.TopicAuthorizationFailed.Code
		resp.Topics = []kmsg.FetchResponseTopic{{Topic: topic.Topic, TopicID: topic.TopicID, Partitions: []kmsg.FetchResponseTopicPartition{part}}}
		return resp, nil, true
	})
	for i := range w.parts { // whatever is fetched next: the client asks for what changed
		n := w.node("S2")
		n.Partition = i
		w.send(n)
	}
	select {
	case <-r.ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("denied, and the follower goes on: %+v", r.Status())
	}
	var e *Error
	if !errors.As(r.err, &e) || e.Kind != Denied || e.Where == "" {
		t.Errorf("ended with %v", r.err)
	}
	if got := dump(t, w.state.Cut()); got != before {
		t.Errorf("the state changed:\n%s", got)
	}
}
