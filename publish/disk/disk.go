// Package disk is the few file operations that durable state is made of, behind an interface so that
// tests can make the n-th of them fail.
//
// Invariant I1: a name that Publish or WriteFile gave to something leads to the whole of it or to nothing,
// whatever moment the machine stops at: contents are synced, then renamed, then the folder is synced.
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// File is a file being written.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// FS is the operations that change a folder.
type FS interface {
	MkdirAll(dir string) error
	Create(name string) (File, error) // truncates
	Rename(from, to string) error
	RemoveAll(path string) error
	SyncDir(dir string) error
	Free(dir string) (int64, error) // bytes that may still be written
}

// Linker is an FS that can give a file another name: the same file, not a copy.
type Linker interface {
	Link(name, other string) error
}

// OS is the file system of the machine.
type OS struct{}

// MkdirAll implements FS.
func (OS) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o755) }

// Create implements FS.
func (OS) Create(name string) (File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Link implements Linker.
func (OS) Link(name, other string) error { return os.Link(name, other) }

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// RemoveAll implements FS.
func (OS) RemoveAll(path string) error { return os.RemoveAll(path) }

// SyncDir implements FS.
func (OS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Free implements FS: what an ordinary user may still write in the file system that holds dir, or its
// nearest parent that exists.
func (OS) Free(dir string) (int64, error) {
	for {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		if err == nil {
			return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // other systems have other widths
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return 0, fmt.Errorf("free space of %s: %w", dir, err)
		}
		dir = parent
	}
}

// WriteFile gives name the contents raw, whole or not at all.
func WriteFile(f FS, name string, raw []byte) error {
	tmp := name + ".tmp"
	if err := WriteSynced(f, tmp, raw); err != nil {
		return err
	}
	if err := f.Rename(tmp, name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := f.SyncDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// WriteSynced writes and syncs a file in place: for files of a temporary folder.
func WriteSynced(f FS, name string, raw []byte) error {
	w, err := f.Create(name)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = w.Write(raw)
	if err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// PublishDir gives the finished folder tmp its name. A folder of that name that is in the way is removed
// first: the caller has made sure that it is not one to keep.
func PublishDir(f FS, tmp, dir string) error {
	if err := f.SyncDir(tmp); err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	if err := f.RemoveAll(dir); err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	if err := f.Rename(tmp, dir); err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	if err := f.SyncDir(filepath.Dir(dir)); err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	return nil
}

// IsFull reports whether an error says that the disk, the user's share of it, or what one file may take is full.
func IsFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}
