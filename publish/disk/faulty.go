package disk

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Faulty is a file system whose n-th changing call fails, for tests: counting from 1 over Create, Write,
// Sync, Rename, RemoveAll, MkdirAll and SyncDir. A failed Write has written half of its bytes.
type Faulty struct {
	FS    FS
	N     int   // call that fails; 0: none
	Err   error // what it fails with; nil: no space left on device
	After bool  // every later call fails too

	mu    sync.Mutex
	calls int
}

// Calls returns how many calls were counted, and whether the fault happened.
func (f *Faulty) Calls() (n int, fired bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls, f.N > 0 && f.calls >= f.N
}

func (f *Faulty) step() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.calls == f.N || (f.After && f.N > 0 && f.calls > f.N) {
		if f.Err != nil {
			return f.Err
		}
		return unix.ENOSPC
	}
	return nil
}

// MkdirAll implements FS.
func (f *Faulty) MkdirAll(dir string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.FS.MkdirAll(dir)
}

// Create implements FS.
func (f *Faulty) Create(name string) (File, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file: file, fs: f}, nil
}

// Rename implements FS.
func (f *Faulty) Rename(from, to string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

// RemoveAll implements FS.
func (f *Faulty) RemoveAll(path string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.FS.RemoveAll(path)
}

// SyncDir implements FS.
func (f *Faulty) SyncDir(dir string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.FS.SyncDir(dir)
}

// Free implements FS; it is not counted.
func (f *Faulty) Free(dir string) (int64, error) { return f.FS.Free(dir) }

type faultyFile struct {
	file File
	fs   *Faulty
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if err := f.fs.step(); err != nil {
		n, _ := f.file.Write(p[:len(p)/2])
		return n, err
	}
	return f.file.Write(p)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.step(); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultyFile) Close() error { return f.file.Close() }
