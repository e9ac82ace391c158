// Package embedded is a Kafka broker inside the process, for machines that have none: the in-process cluster
// of the client library, kept in a folder.
//
//	<dir>/lock                     held by the one process that runs the broker
//	<dir>/open                     there while it runs: found at a start, the last run did not end well
//	<dir>/log/topics.json, …       topics, settings, groups
//	<dir>/log/pids.log             transactional ids, their producer ids and epochs
//	<dir>/log/partitions/<topic>-<n>/<first offset>.dat   record batches as on the wire, each with its CRC-32C
//	                                              .idx    15 bytes a batch: checksum, epoch, in a transaction
//
// The library appends each batch before it answers, so a killed process loses nothing that was
// acknowledged. What it does not do is end transactions as one: the end markers go to the partitions one
// after another. Start therefore repairs a log that was not closed (repair.go), before the library reads it:
//
//	I1  a transaction that was open in some partitions when the process died is committed in all of them
//	    when one has its commit marker, else aborted in all of them; the producer's epoch goes up, so that
//	    a client that outlived the broker cannot add to it
//	I2  a batch without its index entry, or cut short, was never acknowledged and is taken away; damage
//	    anywhere else (a wrong CRC before the end of a log) is refused by name
//	I3  one process at a time has the folder
//
// Sync makes everything durable against a loss of power; it runs before each commit and may be called after
// it. The broker listens on 127.0.0.1 only, without authentication. It is made for one machine: one node,
// no replication, all of the offset index in memory.
package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sys/unix"

	"echelon/publish/disk"
	"echelon/publish/outcome"
)

// Options say where the broker lives. Dir is needed.
type Options struct {
	Dir  string
	Port int // 0: a free one
	// NoSync leaves writing to the operating system: a killed process still loses nothing, a loss of
	// power may.
	NoSync bool
	Log    *slog.Logger
}

// Broker is a running embedded broker.
type Broker struct {
	o       Options
	cluster *kfake.Cluster
	lock    *os.File

	mu     sync.Mutex
	synced time.Time // files changed after it may not be durable yet
	full   error     // why the last commit was refused, nil: it was not

	Repaired Repair // what Start had to put right
}

// Room is how many bytes the topics of plan files of so many bytes may take, and what a commit needs free beside:
// batches of few lines compress less well than plan files.
func Room(planBytes int64) int64 { return 2*planBytes + spare }

// Full is why the last commit was refused, nil when it was not.
func (b *Broker) Full() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full
}

// spare is the space that must be free for a commit: its markers must not be what fills the disk.
const spare = 32 << 20

// Start runs the broker of a folder, making it when there is none. Another process that has it is an error
// of code 75.
func Start(o Options) (*Broker, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	lock, err := acquire(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	b := &Broker{o: o, lock: lock}
	if err := b.start(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return b, nil
}

// acquire locks a file until the process ends or closes it.
func acquire(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, outcome.New(outcome.CodeAgain, "broker_in_use", filepath.Dir(name),
			"wait for the other run, or give --brokers the address of the broker that runs",
			"another process runs the embedded broker of this folder")
	}
	return f, nil
}

func (b *Broker) logDir() string   { return filepath.Join(b.o.Dir, "log") }
func (b *Broker) openMark() string { return filepath.Join(b.o.Dir, "open") }

func (b *Broker) start() error {
	if _, err := os.Stat(b.openMark()); err == nil {
		r, err := repair(b.logDir())
		if err != nil {
			return fmt.Errorf("embedded broker: %w", err)
		}
		b.Repaired = r
		b.o.Log.Info("embedded broker repaired", "committed", r.Committed, "aborted", r.Aborted, "cut_bytes", r.CutBytes)
	}
	if err := disk.WriteFile(disk.OS{}, b.openMark(), nil); err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("echelon-embedded"),
		kfake.DataDir(b.logDir()),
		kfake.DefaultNumPartitions(12),
		// Cycles come once a day: an id that idles for a week must not start again at epoch 0.
		kfake.BrokerConfigs(map[string]string{"transactional.id.expiration.ms": "2147483647"}),
	}
	if b.o.Port != 0 {
		opts = append(opts, kfake.Ports(b.o.Port))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return outcome.New(outcome.CodeUnavailable, "broker_start", b.o.Dir,
			"is the port free and the folder's log whole?", "embedded broker: %w", err)
	}
	b.cluster = cluster
	b.synced = time.Now()
	cluster.ControlKey(kmsg.EndTxn.Int16(), b.beforeEnd)
	return nil
}

// beforeEnd runs on the cluster's goroutine before each end of a transaction: its lines become durable
// before its markers, and a commit that the disk has no room for is refused.
func (b *Broker) beforeEnd(req kmsg.Request) (kmsg.Response, error, bool) {
	b.cluster.KeepControl()
	end, ok := req.(*kmsg.EndTxnRequest)
	if !ok || !end.Commit {
		return nil, nil, false
	}
	free, err := disk.OS{}.Free(b.o.Dir)
	if err == nil && free >= spare {
		err = b.sync()
	} else if err == nil {
		err = fmt.Errorf("%d bytes are free, a commit needs %d", free, spare)
	}
	b.mu.Lock()
	b.full = err
	b.mu.Unlock()
	if err == nil {
		return nil, nil, false
	}
	b.o.Log.Error("embedded broker refuses a commit", "error", err)
	resp, ok := end.ResponseKind().(*kmsg.EndTxnResponse)
	if !ok {
		return nil, err, true
	}
	resp.ErrorCode = kerr.TransactionAbortable.Code
	return resp, nil, true
}

// Addrs are the bootstrap addresses.
func (b *Broker) Addrs() []string { return b.cluster.ListenAddrs() }

// Sync makes what was acknowledged so far durable.
func (b *Broker) Sync() error { return b.sync() }

// sync fsyncs every file of the log that changed since the last time.
func (b *Broker) sync() error {
	if b.o.NoSync {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	begin := time.Now()
	err := filepath.WalkDir(b.logDir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // compacted away meanwhile
		}
		// Clocks of files are coarse: two seconds more are synced again.
		if err != nil || info.ModTime().Before(b.synced.Add(-2*time.Second)) {
			return err
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
	if err != nil {
		return fmt.Errorf("sync the embedded broker's log: %w", err)
	}
	b.synced = begin
	return nil
}

// Close ends the broker and leaves a log that needs no repair.
func (b *Broker) Close() error {
	b.cluster.Close()
	err := b.sync()
	if err == nil {
		err = os.Remove(b.openMark())
	}
	return errors.Join(err, b.lock.Close())
}
