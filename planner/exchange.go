package planner

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// MemExchange keeps the blobs of one cycle in memory: for tests, benchmarks and networks that fit.
type MemExchange struct {
	mu    sync.RWMutex
	blobs map[string][]byte
}

// NewMemExchange returns an empty exchange.
func NewMemExchange() *MemExchange { return &MemExchange{blobs: map[string][]byte{}} }

// Put implements Exchange. A name is written once; writing the same bytes again is fine.
func (m *MemExchange) Put(_ context.Context, name string, blob []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.blobs[name]; ok && !slices.Equal(old, blob) {
		return fmt.Errorf("exchange: %s is written already with other content; use one exchange per cycle", name)
	}
	m.blobs[name] = slices.Clone(blob)
	return nil
}

// Get implements Exchange.
func (m *MemExchange) Get(_ context.Context, name string) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	blob, ok := m.blobs[name]
	if !ok {
		return nil, fmt.Errorf("exchange: no blob %s", name)
	}
	return blob, nil
}
