package follow

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkFollow reports processor seconds per million inventory updates, followed into the state, and the same
// client consuming and dropping them: drop/op ÷ follow is the share of the consuming rate that applying reaches.
func BenchmarkFollow(b *testing.B) {
	const records = 200_000
	w := newWorld(b)
	batch := make([]*kgo.Record, 0, 1000)
	for i := range records {
		batch = append(batch, w.stock("", fmt.Sprintf("i%05d", i%20_000), i%900))
		if len(batch) == cap(batch) {
			w.send(batch...)
			batch = batch[:0]
		}
	}
	report := func(b *testing.B, from float64) {
		b.ReportMetric((processor()-from)*1e6/records/float64(b.N), "cpu-s/M")
	}
	b.Run("drop", func(b *testing.B) {
		from := processor()
		for range b.N {
			c := w.client(kgo.ConsumeTopics(stockTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
			for n := 0; n < records; {
				n += c.PollRecords(context.Background(), 20_000).NumRecords()
			}
			c.Close()
		}
		report(b, from)
	})
	b.Run("follow", func(b *testing.B) {
		from := processor()
		for range b.N {
			w.state = w.open("")
			f, err := w.start()
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- f.Run(ctx) }()
			ends, err := f.Ends(ctx)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.CutAt(ctx, Want{Offsets: ends}, nil); err != nil {
				b.Fatal(err)
			}
			cancel()
			<-done
			f.Close()
		}
		report(b, from)
		if sum := w.balanced(nil); sum.Read != records {
			b.Fatalf("%+v", sum)
		}
	})
}

// processor is the processor time of this process in seconds.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
