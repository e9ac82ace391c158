package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"echelon/cdc"
)

// checkpoints is what is known of the checkpoint folder.
type checkpoints struct {
	writing  sync.Mutex // one is written at a time
	passed   []error
	unsynced bool
}

// partial is the end of the name of a folder being written.
const partial = ".partial"

func folderName(number uint64) string { return fmt.Sprintf("%016d", number) }

// numbers lists the checkpoints of a folder, newest first, and what was left half written.
func numbers(dir string) (list []uint64, stale []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list checkpoints: %w", err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == partial {
			stale = append(stale, e.Name())
			continue
		}
		if n, err := strconv.ParseUint(e.Name(), 10, 64); err == nil && e.IsDir() && folderName(n) == e.Name() {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(x, y uint64) int { return cmp.Compare(y, x) })
	return list, stale, nil
}

// load takes the newest whole checkpoint.
func (s *State) load(ctx context.Context) (*State, error) {
	list, _, err := numbers(s.cfg.Dir)
	if err != nil {
		return nil, err
	}
	var passed []error
	for _, n := range list {
		dir := filepath.Join(s.cfg.Dir, folderName(n))
		m, err := readManifest(dir, s.cfg.Tenant)
		if err == nil {
			err = m.whole(dir, ctx.Err)
		}
		if err == nil {
			err = s.decode(dir, m)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			s.spilled.passed = passed
			return s, nil
		}
		passed = append(passed, fmt.Errorf("checkpoint %s: %w", dir, err))
		s = newState(s.cfg)
	}
	if len(passed) > 0 {
		return nil, fmt.Errorf("no checkpoint of %s can be used: restore one, or empty the folder and read the topics from their start: %w", s.cfg.Dir, errors.Join(passed...))
	}
	return s, nil
}

// Passed returns why checkpoints newer than the one opened were not taken, newest first.
func (s *State) Passed() []error { return s.spilled.passed }

// Checkpoint writes the state as it is to a folder of its own, and takes away those older than the ones to keep.
// Changes are applied meanwhile. Keys that nothing needs any more are given back, and the rest is put in order.
func (s *State) Checkpoint(ctx context.Context) error {
	return s.CheckpointAt(ctx, func(take func()) error {
		take()
		return nil
	})
}

// CheckpointAt is Checkpoint of the moment at which at calls take: where it stands between the changes of one
// transaction, so does the checkpoint. An error of at ends it.
func (s *State) CheckpointAt(ctx context.Context, at func(take func()) error) error {
	if s.cfg.Dir == "" {
		return errors.New("checkpoint: the state has no folder")
	}
	s.spilled.writing.Lock()
	defer s.spilled.writing.Unlock()
	list, stale, err := numbers(s.cfg.Dir)
	if err != nil {
		return err
	}
	for _, name := range stale {
		if err := os.RemoveAll(filepath.Join(s.cfg.Dir, name)); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	number := uint64(1)
	if len(list) > 0 {
		number = list[0] + 1
	}
	var p *picture
	var m *manifest
	err = at(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, k := range s.spaces {
			s.sweep(k)
		}
		p, m = &picture{cut: s.cut(), unsynced: s.spilled.unsynced}, s.noted(number)
		p.ranks, m.Ranks.Hand = s.window.copied()
		p.events, m.Events.Hand = s.days.log.copied()
		m.Ranks.Room, m.Events.Room = cap(s.window.entries), cap(s.days.log.entries)
	})
	if err != nil || p == nil {
		return err
	}
	p.origins = s.cfg.Origins
	dir := filepath.Join(s.cfg.Dir, folderName(number))
	if err := p.write(ctx, dir, m); err != nil {
		return errors.Join(fmt.Errorf("checkpoint %s: %w", dir, err), os.RemoveAll(dir+partial))
	}
	s.mu.Lock()
	for i, k := range s.spaces {
		k.adopt(p.cut.spaces[i])
	}
	for name, d := range s.dicts {
		d.release(p.codes[name], p.cut.epoch)
	}
	s.mu.Unlock()
	for i, n := range list {
		if i+1 >= s.cfg.Keep {
			if err := os.RemoveAll(filepath.Join(s.cfg.Dir, folderName(n))); err != nil {
				return fmt.Errorf("take old checkpoint away: %w", err)
			}
		}
	}
	return nil
}

// adopt takes over the order that a cut made.
func (k *keyspace) adopt(f *frozenSpace) {
	k.order, k.tail = f.sorted(), slices.Clone(k.tail[len(f.tail):])
}

// sweep gives slots back that hold nothing and of which no rank is remembered.
func (s *State) sweep(k *keyspace) {
	if len(k.dead) == 0 {
		return
	}
	var waiting []uint32
	var freed map[uint32]bool
	for _, slot := range k.dead {
		switch {
		case !vacant(k, slot):
			k.listed[slot>>6] &^= 1 << (slot & 63)
		case s.remembers(k, slot):
			waiting = append(waiting, slot)
		default:
			if freed == nil {
				freed = map[uint32]bool{}
			}
			freed[slot] = true
			k.listed[slot>>6] &^= 1 << (slot & 63)
			k.leave(slot)
			k.free = append(k.free, slot)
		}
	}
	k.dead = waiting
	if freed != nil {
		k.order, k.tail = without(k.order, freed), without(k.tail, freed)
	}
}

func vacant(k *keyspace, slot uint32) bool {
	for _, t := range k.tables {
		if !t.vacant(slot) {
			return false
		}
	}
	return true
}

func (s *State) remembers(k *keyspace, slot uint32) bool {
	for _, t := range k.tables {
		for _, at := range t.feeds {
			if s.window.find(uint16(at), slot) != nil {
				return true
			}
		}
	}
	return false
}

// without copies a list but for some slots.
func without(list []uint32, gone map[uint32]bool) []uint32 {
	out := make([]uint32, 0, len(list))
	for _, slot := range list {
		if !gone[slot] {
			out = append(out, slot)
		}
	}
	return out
}

// sortedParts gives the partitions in order.
func sortedParts(parts map[cdc.Partition]*partition) []cdc.Partition {
	out := make([]cdc.Partition, 0, len(parts))
	for part := range parts {
		out = append(out, part)
	}
	slices.SortFunc(out, func(x, y cdc.Partition) int { return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.ID, y.ID)) })
	return out
}
