package cycle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"echelon/planner"
	"echelon/publish/disk"
)

// fileExchange keeps what DCs tell each other as files below the state folder, each with its SHA-256 in
// front. They live as long as the cycle is planned: a run that begins again asks again.
type fileExchange struct {
	fs  disk.FS
	dir string
}

var _ planner.Exchange = (*fileExchange)(nil)

func newExchange(f disk.FS, state, tenant, cycle string) *fileExchange {
	return &fileExchange{fs: f, dir: filepath.Join(state, "exchange", "tenant="+tenant, "cycle="+cycle)}
}

// begin empties the folder.
func (x *fileExchange) begin() error {
	if err := x.fs.RemoveAll(x.dir); err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	if err := x.fs.MkdirAll(x.dir); err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	return nil
}

// end removes the folder.
func (x *fileExchange) end() error { return x.fs.RemoveAll(x.dir) }

func (x *fileExchange) file(name string) string {
	return filepath.Join(x.dir, url.PathEscape(name)+".bin")
}

// Put implements planner.Exchange.
func (x *fileExchange) Put(ctx context.Context, name string, blob []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := x.fs.Create(x.file(name))
	if err != nil {
		return fmt.Errorf("exchange %s: %w", name, err)
	}
	sum := sha256.Sum256(blob)
	_, err = f.Write(append(sum[:], blob...))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("exchange %s: %w", name, err)
	}
	return nil
}

// Get implements planner.Exchange.
func (x *fileExchange) Get(ctx context.Context, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(x.file(name))
	if err != nil {
		return nil, fmt.Errorf("exchange %s: %w", name, err)
	}
	if len(raw) < sha256.Size {
		return nil, fmt.Errorf("exchange %s: cut short", name)
	}
	blob := raw[sha256.Size:]
	if sum := sha256.Sum256(blob); !bytes.Equal(sum[:], raw[:sha256.Size]) {
		return nil, fmt.Errorf("exchange %s: its digest is another", name)
	}
	return blob, nil
}
