package cycle

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"echelon/publish/planfile"
)

// heldFiles is one folder of plan files that this process opened before. It is taken again while no file of it is
// another by size or time; digests are checked once.
type heldFiles struct {
	files    *planfile.DC
	manifest stamp
	stamps   []stamp // of the files, when their digests were right; nil: they were not checked
}

// stamp tells a file from one written later.
type stamp struct {
	size int64
	at   time.Time
}

func stampOf(name string) (stamp, error) {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

// mostHeld is how many folders are remembered.
const mostHeld = 10_000

// open opens plan files, or gives those that were opened before.
func (w *Warm) open(dir string) (*planfile.DC, error) {
	if w == nil {
		return planfile.Open(dir)
	}
	now, err := stampOf(filepath.Join(dir, planfile.ManifestName))
	if err == nil {
		w.mu.Lock()
		had := w.files[dir]
		w.mu.Unlock()
		if had != nil && had.manifest == now {
			return had.files, nil
		}
	}
	files, err := planfile.Open(dir)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.files) >= mostHeld || w.files == nil {
		w.files = map[string]*heldFiles{}
	}
	w.files[dir] = &heldFiles{files: files, manifest: now}
	return files, nil
}

// verify checks the digests of plan files, once while the files are the same.
func (w *Warm) verify(ctx context.Context, files *planfile.DC) error {
	if w == nil {
		return files.Verify(ctx)
	}
	now, err := stampsOf(files)
	if err != nil {
		return files.Verify(ctx) // which names the file
	}
	w.mu.Lock()
	had := w.files[files.Dir]
	proven := had != nil && had.files == files && had.stamps != nil
	same := proven
	for i := range now {
		same = same && had.stamps[i] == now[i]
	}
	w.mu.Unlock()
	if same {
		return nil
	}
	if files, err = planfile.Open(files.Dir); err != nil { // what was opened before passes over digests that were right once
		return err
	}
	if err := files.Verify(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if had := w.files[files.Dir]; had != nil {
		had.files, had.stamps = files, now
	}
	return nil
}

// base opens the plan files that others lie over; nil: they lie over none.
func (w *Warm) base(files *planfile.DC) (*planfile.DC, error) {
	b := files.Manifest.Base
	if w == nil || b == nil || filepath.Base(b.Cycle) != b.Cycle {
		return files.Base()
	}
	cycles := filepath.Dir(filepath.Dir(files.Dir))
	below, err := w.open(filepath.Join(cycles, "cycle="+b.Cycle, filepath.Base(files.Dir)))
	if err != nil || below.Manifest.PlanHash != b.PlanHash {
		return files.Base() // which says what is wrong
	}
	return below, nil
}

// stampsOf gives the stamps of all files that the manifest names.
func stampsOf(files *planfile.DC) ([]stamp, error) {
	m := files.Manifest
	names := make([]string, 0, len(m.Layers)+2)
	for i := range m.Layers {
		names = append(names, m.Layers[i].File)
	}
	for _, f := range []*planfile.PlainFile{m.Kept, m.Groups} {
		if f != nil && (len(names) == 0 || names[len(names)-1] != f.File) {
			names = append(names, f.File)
		}
	}
	out := make([]stamp, len(names))
	for i, name := range names {
		var err error
		if out[i], err = stampOf(filepath.Join(files.Dir, filepath.Base(name))); err != nil {
			return nil, err
		}
	}
	return out, nil
}
