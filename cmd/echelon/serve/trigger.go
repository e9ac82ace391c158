package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cmd/echelon/feeds"
	"echelon/publish/disk"
)

// triggers remembers up to where the trigger topic was followed. A record whose cycle did not end is followed again
// after a restart, under the same id.
type triggers struct {
	file string

	mu   sync.Mutex
	seen map[int32]int64          // partition → offset after the last record
	open map[int32]map[int64]bool // records whose cycles did not end yet
}

func openTriggers(file string) (*triggers, error) {
	t := &triggers{file: file, seen: map[int32]int64{}, open: map[int32]map[int64]bool{}}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &t.seen)
	}
	if err != nil {
		return nil, fmt.Errorf("trigger offsets: %w", err)
	}
	return t, nil
}

// begin notes that a record was read.
func (t *triggers) begin(partition int32, offset int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[partition] == nil {
		t.open[partition] = map[int64]bool{}
	}
	t.open[partition][offset] = true
	t.seen[partition] = offset + 1
}

// end notes that a record is done with, durably.
func (t *triggers) end(partition int32, offset int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open[partition], offset)
	return t.write()
}

// write keeps the offsets to read from: of each partition the first record that is open, else the one after the
// last.
func (t *triggers) write() error {
	next := maps.Clone(t.seen)
	for partition, open := range t.open {
		for offset := range open {
			next[partition] = min(next[partition], offset)
		}
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("trigger offsets: %w", err)
	}
	return disk.WriteFile(disk.OS{}, t.file, raw)
}

// trigger follows the trigger topic: a record asks for a cycle, its value is an Order or empty. Records from before
// the first start mean nothing.
func (t *tenant) trigger(ctx context.Context) {
	for ctx.Err() == nil {
		err := t.readTriggers(ctx)
		if ctx.Err() != nil {
			return
		}
		t.log.Error("trigger topic is not read", "topic", t.cfg.Trigger, "error", err)
		t.askable(fmt.Sprintf("trigger topic %s: %v", t.cfg.Trigger, err))
		if !pause(ctx, again) {
			return
		}
	}
}

func (t *tenant) askable(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.noAsk = why
}

func (t *tenant) readTriggers(ctx context.Context) error {
	client, err := kgo.NewClient(append(slices.Clone(t.client),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return err
	}
	defer client.Close()
	tr, err := openTriggers(filepath.Join(feeds.Dir(t.svc.cfg.State, t.name), "trigger.json"))
	if err != nil {
		return err
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, t.cfg.Trigger)
	if err == nil {
		err = ends.Error()
	}
	if err == nil && len(ends[t.cfg.Trigger]) == 0 {
		err = kerr.UnknownTopicOrPartition
	}
	if err != nil {
		return err
	}
	from := map[int32]kgo.Offset{}
	for id, o := range ends[t.cfg.Trigger] {
		if _, known := tr.seen[id]; !known {
			tr.seen[id] = o.Offset
		}
		from[id] = kgo.NewOffset().At(tr.seen[id])
	}
	if err := tr.write(); err != nil {
		return err
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{t.cfg.Trigger: from})
	t.askable("")
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, e := range fetches.Errors() {
			if !kerr.IsRetriable(e.Err) {
				return e.Err
			}
		}
		for r := range fetches.RecordsAll() {
			t.triggered(ctx, tr, r)
		}
	}
}

// triggered follows one record. One that cannot be followed is logged, and done with.
func (t *tenant) triggered(ctx context.Context, tr *triggers, r *kgo.Record) {
	tr.begin(r.Partition, r.Offset)
	ended := func() {
		if err := tr.end(r.Partition, r.Offset); err != nil {
			t.log.Error("trigger offsets are not written", "error", err)
		}
	}
	var o Order
	var err error
	if len(r.Value) > 0 {
		err = json.Unmarshal(r.Value, &o)
	}
	var j *job
	if err == nil {
		j, err = newJob(o, "trigger", fmt.Sprintf("trigger-%d-%d", r.Partition, r.Offset), r.Timestamp, t.cfg.Wait)
	}
	if err == nil {
		_, err = atLeast(o.AtLeast)
	}
	if err != nil {
		t.log.Warn("a trigger record is no order", "partition", r.Partition, "offset", r.Offset, "error", err)
		ended()
		return
	}
	known, err := t.cycle(ctx, j.id)
	if err == nil && known != nil && finished(known.State) {
		ended()
		return
	}
	j.done = ended
	for {
		_, _, err := t.add(j)
		switch {
		case err == nil:
			return // of the same id as one that is under way: looked at again at the next start
		case !errors.Is(err, errBusy) || !pause(ctx, again): // the topic keeps what does not fit now
			return
		}
	}
}
