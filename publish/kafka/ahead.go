package kafka

import (
	"context"
	"fmt"
	"sync"

	"echelon/publish/planfile"
)

// readAhead is how many row groups of a transaction are in memory: one is encoded, another is read meanwhile.
const readAhead = 2

// batches are those that no transaction uses: some ten megabytes of room each.
var batches = sync.Pool{New: func() any { return new(planfile.Batch) }}

// pieces produces the row groups of a transaction from the plan files, layer writers by name.
//
//	plan files ──a goroutine──▶ batch ──▶ w.batch ──▶ Produce
//	                              ▲          │
//	                              └── free ◀─┘
func (w *writer) pieces(ctx context.Context, dc *planfile.DC, pieces []piece, layers map[string]*layerWriter) error {
	reading, stop := context.WithCancel(ctx) // not for records: they are under way beyond this function
	free, read := make(chan *planfile.Batch, readAhead), make(chan *planfile.Batch)
	for range readAhead {
		free <- batches.Get().(*planfile.Batch)
	}
	var failed error // by the reader, once read is closed
	go func() {
		defer close(read)
		failed = w.read(reading, dc, pieces, free, read)
	}()
	var err error
	for b := range read {
		if err == nil {
			if err = w.batch(ctx, layers[layerName(b.Layer)], b); err != nil {
				stop()
			}
		}
		free <- b
	}
	stop()
	for range readAhead {
		batches.Put(<-free)
	}
	if err != nil {
		return err
	}
	return failed
}

// read reads row groups into free batches and sends them on, until a line has failed.
func (w *writer) read(ctx context.Context, dc *planfile.DC, pieces []piece, free chan *planfile.Batch, read chan<- *planfile.Batch) error {
	for _, p := range pieces {
		id, ok := layerID(p.Layer)
		if !ok {
			return fmt.Errorf("plan files of dc %s: layer %q is not known", dc.Manifest.DC, p.Layer)
		}
		rows, err := dc.Rows(ctx, id)
		if err != nil {
			return err
		}
		for g := p.From; g < p.To && err == nil && !w.failed.Load(); g++ {
			b := <-free
			if err = rows.Into(ctx, g, b); err != nil {
				free <- b
				break
			}
			read <- b
		}
		if e := rows.Close(); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
	}
	return nil
}
