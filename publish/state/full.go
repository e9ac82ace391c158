package state

import (
	"errors"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// IsFull reports whether an error of the database says that there is no room for it on the disk. SQLite has a code
// for that, and others where it extends its shared memory or where the system limits the size of a file.
func IsFull(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR_SHMSIZE, lib.SQLITE_IOERR_WRITE:
		return true
	}
	return false
}
