package state

import (
	"context"
	"testing"
)

// BenchmarkCheckpointSmall is what a checkpoint costs that holds next to nothing.
func BenchmarkCheckpointSmall(b *testing.B) {
	cfg := Config{Tenant: "t", Origins: testOrigins(), Dir: b.TempDir()}
	g := newScript(5, cfg.Origins)
	s := open(b, cfg)
	feed(b, s, g.deliver(g.day(900), 1<<20))
	for b.Loop() {
		if err := s.Checkpoint(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
