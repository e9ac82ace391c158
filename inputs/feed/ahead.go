package feed

import (
	"context"
	"io"

	"echelon/inputs"
)

// ahead decodes the next batch while the one before is being used: decoding and checking take about the same
// time. Rows are checked, counted and quarantined by the goroutine that reads.
type ahead struct {
	dec    decoder
	out    chan decoded
	cancel context.CancelFunc
	over   bool
}

type decoded struct {
	batch  *inputs.Batch
	faults []inputs.RowFault
	err    error
}

func readAhead(ctx context.Context, dec decoder) *ahead {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // each Next brings its own context
	a := &ahead{dec: dec, out: make(chan decoded, 1), cancel: cancel}
	go func() {
		defer close(a.out)
		for {
			b, faults, err := guarded(ctx, dec)
			select {
			case a.out <- decoded{b, faults, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return a
}

// batch returns the next batch; io.EOF after the last.
func (a *ahead) batch(ctx context.Context) (*inputs.Batch, []inputs.RowFault, error) {
	select {
	case d, ok := <-a.out:
		if !ok {
			return nil, nil, io.EOF
		}
		return d.batch, d.faults, d.err
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// Close ends the decoding, waits for it and closes the file.
func (a *ahead) Close() error {
	if a.over {
		return nil
	}
	a.over = true
	a.cancel()
	for range a.out { // the goroutine closes the channel when it ends
	}
	return a.dec.Close()
}
