package embedded

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Repair counts what a start put right.
type Repair struct {
	Committed int   // partitions in which a transaction's commit was completed
	Aborted   int   // partitions in which an open transaction was aborted
	CutBytes  int64 // bytes that were never acknowledged
}

// Sizes and positions in the files; see the package comment.
const (
	indexEntry     = 15
	batchHead      = 61
	entryHead      = 10
	attrTxn        = 0x10
	attrControl    = 0x20
	indexInTxn     = 1
	indexVersion   = 1
	pidsLogVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// producer identifies the transactions of one producer session.
type producer struct {
	id    int64
	epoch int16
}

// openTxn is a transaction without an end in one partition.
type openTxn struct {
	producer
	last int64 // newest timestamp of its batches
}

// partitionLog is what repairing needs to know of one partition.
type partitionLog struct {
	dir  string
	base int64 // of the last segment
	next int64 // offset of the next batch
	open []openTxn
	// epoch is the leader epoch of the last batch, as its index entry holds it
	epoch [4]byte
}

// repair puts the log in order after a process that died. A log without topics is left alone.
func repair(dir string) (Repair, error) {
	var r Repair
	cutTail := func(name string) error {
		n, err := cutEntries(filepath.Join(dir, name))
		r.CutBytes += n
		return err
	}
	if err := errors.Join(cutTail("pids.log"), cutTail("groups.log")); err != nil {
		return r, err
	}
	root := filepath.Join(dir, "partitions")
	folders, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	committed := make(map[producer]int64) // newest commit marker's timestamp
	var logs []*partitionLog
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		l, cut, err := scanPartition(filepath.Join(root, f.Name()), committed)
		if err != nil {
			return r, err
		}
		r.CutBytes += cut
		if len(l.open) > 0 {
			logs = append(logs, l)
		}
	}
	ended := make(map[producer]bool)
	for _, l := range logs {
		for _, t := range l.open {
			// The same producer session may have committed before; only a marker that is not older than
			// this transaction's lines ends it.
			at, ok := committed[t.producer]
			commit := ok && at >= t.last
			if err := l.end(t, commit); err != nil {
				return r, err
			}
			if commit {
				r.Committed++
			} else {
				r.Aborted++
			}
			ended[t.producer] = ended[t.producer] || commit
		}
	}
	return r, raiseEpochs(filepath.Join(dir, "pids.log"), ended)
}

// scanPartition reads the batches of a partition, cuts off an unacknowledged end, and finds open
// transactions and commit markers.
func scanPartition(dir string, committed map[producer]int64) (*partitionLog, int64, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	var bases []int64
	for _, n := range names {
		if text, ok := strings.CutSuffix(n.Name(), ".dat"); ok {
			if base, err := strconv.ParseInt(text, 10, 64); err == nil {
				bases = append(bases, base)
			}
		}
	}
	slices.Sort(bases)
	l := &partitionLog{dir: dir}
	open := make(map[int64]openTxn)
	var cut int64
	for i, base := range bases {
		l.base = base
		n, err := l.scanSegment(i == len(bases)-1, open, committed)
		if err != nil {
			return nil, 0, err
		}
		cut += n
	}
	for _, t := range open {
		l.open = append(l.open, t)
	}
	slices.SortFunc(l.open, func(a, b openTxn) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return l, cut, nil
}

func (l *partitionLog) path(ext string) string {
	return filepath.Join(l.dir, strconv.FormatInt(l.base, 10)+ext)
}

// scanSegment reads the batches of one segment. Only the last one may end in the middle.
func (l *partitionLog) scanSegment(last bool, open map[int64]openTxn, committed map[producer]int64) (int64, error) {
	raw, err := os.ReadFile(l.path(".dat"))
	if err != nil {
		return 0, err
	}
	idx, err := os.ReadFile(l.path(".idx"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	indexed := len(idx) / indexEntry
	at, batches := 0, 0
	for at < len(raw) {
		size, ok := batchSize(raw[at:])
		if !ok || batches == indexed {
			break
		}
		b := raw[at : at+size]
		if crc32.Checksum(b[21:], castagnoli) != binary.BigEndian.Uint32(b[17:]) {
			if last && at+size == len(raw) {
				break
			}
			return 0, fmt.Errorf("%s is damaged at byte %d: its checksum does not match; move the broker's folder away and publish to a fresh one", l.path(".dat"), at)
		}
		l.note(b, open, committed)
		copy(l.epoch[:], idx[batches*indexEntry+2:])
		at += size
		batches++
	}
	cut := int64(len(raw) - at)
	if cut > 0 && !last {
		return 0, fmt.Errorf("%s is damaged at byte %d: later segments follow a torn end; move the broker's folder away and publish to a fresh one", l.path(".dat"), at)
	}
	if cut > 0 {
		if err := os.Truncate(l.path(".dat"), int64(at)); err != nil {
			return 0, err
		}
	}
	if len(idx) != batches*indexEntry {
		if err := os.Truncate(l.path(".idx"), int64(batches*indexEntry)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return cut, nil
}

// batchSize gives the length of the batch that begins raw, false when it is cut short.
func batchSize(raw []byte) (int, bool) {
	if len(raw) < batchHead {
		return 0, false
	}
	size := 12 + int64(binary.BigEndian.Uint32(raw[8:]))
	return int(size), size >= batchHead && size <= int64(len(raw))
}

// note takes a batch into account: markers end a transaction, other batches of a transaction open it.
func (l *partitionLog) note(b []byte, open map[int64]openTxn, committed map[producer]int64) {
	attrs := binary.BigEndian.Uint16(b[21:])
	id := int64(binary.BigEndian.Uint64(b[43:]))
	epoch := int16(binary.BigEndian.Uint16(b[51:]))
	newest := int64(binary.BigEndian.Uint64(b[35:]))
	l.next = int64(binary.BigEndian.Uint64(b)) + int64(int32(binary.BigEndian.Uint32(b[23:]))) + 1
	switch {
	case attrs&attrControl != 0:
		delete(open, id)
		if isCommit(b) {
			p := producer{id, epoch}
			committed[p] = max(committed[p], newest)
		}
	case attrs&attrTxn != 0:
		t := open[id]
		open[id] = openTxn{producer{id, epoch}, max(t.last, newest)}
	}
}

// isCommit reads the type of a control batch.
func isCommit(b []byte) bool {
	var rec kmsg.Record
	if err := rec.ReadFrom(b[batchHead:]); err != nil || len(rec.Key) < 4 {
		return false
	}
	return kmsg.ControlRecordKeyType(binary.BigEndian.Uint16(rec.Key[2:])) == kmsg.ControlRecordKeyTypeCommit
}

// end appends the marker that ends a transaction, with its index entry.
func (l *partitionLog) end(t openTxn, commit bool) error {
	b := marker(t, commit, l.next)
	l.next++
	idx := make([]byte, indexEntry)
	idx[0] = indexVersion
	copy(idx[2:6], l.epoch[:])
	idx[1] = byte(crc32.Checksum(idx[2:], castagnoli))
	return errors.Join(appendSynced(l.path(".dat"), b), appendSynced(l.path(".idx"), idx))
}

// marker is a control batch of one record, as brokers write it.
func marker(t openTxn, commit bool, offset int64) []byte {
	key := kmsg.ControlRecordKey{Type: kmsg.ControlRecordKeyTypeAbort}
	if commit {
		key.Type = kmsg.ControlRecordKeyTypeCommit
	}
	value := kmsg.EndTxnMarker{}
	rec := kmsg.Record{Key: key.AppendTo(nil), Value: value.AppendTo(nil)}
	rec.Length = int32(len(rec.AppendTo(nil)) - 1) // the length is a varint of one byte
	batch := kmsg.RecordBatch{
		FirstOffset: offset, Magic: 2, Attributes: attrTxn | attrControl,
		FirstTimestamp: t.last, MaxTimestamp: t.last,
		ProducerID: t.id, ProducerEpoch: t.epoch, FirstSequence: -1, NumRecords: 1, Records: rec.AppendTo(nil),
	}
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], castagnoli))
	return raw
}

func appendSynced(name string, raw []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Sync(), f.Close())
}

// cutEntries cuts a log of framed entries (length, CRC-32C, version, data) after its last whole one.
func cutEntries(name string) (int64, error) {
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	at := 0
	for at+entryHead <= len(raw) {
		length := int(binary.LittleEndian.Uint32(raw[at:]))
		if length < 2 || at+8+length > len(raw) ||
			crc32.Checksum(raw[at+8:at+8+length], castagnoli) != binary.LittleEndian.Uint32(raw[at+4:]) {
			break
		}
		at += 8 + length
	}
	if at == len(raw) {
		return 0, nil
	}
	return int64(len(raw) - at), os.Truncate(name, int64(at))
}

// raiseEpochs writes into the log of producers that these sessions are over; true: by a commit.
func raiseEpochs(name string, ended map[producer]bool) error {
	if len(ended) == 0 {
		return nil
	}
	sessions := make([]producer, 0, len(ended))
	for p := range ended {
		sessions = append(sessions, p)
	}
	slices.SortFunc(sessions, func(a, b producer) int {
		if a.id != b.id {
			return int(max(-1, min(1, a.id-b.id)))
		}
		return int(a.epoch) - int(b.epoch)
	})
	var buf bytes.Buffer
	for _, p := range sessions {
		commit := ended[p]
		data, err := json.Marshal(struct {
			Type   string `json:"type"`
			PID    int64  `json:"pid"`
			Epoch  int16  `json:"epoch"`
			Commit *bool  `json:"commit,omitempty"`
		}{"endtx", p.id, p.epoch + 1, &commit})
		if err != nil {
			return err
		}
		head := make([]byte, entryHead)
		binary.LittleEndian.PutUint32(head, uint32(2+len(data)))
		binary.LittleEndian.PutUint16(head[8:], pidsLogVersion)
		sum := crc32.Update(crc32.Checksum(head[8:], castagnoli), castagnoli, data)
		binary.LittleEndian.PutUint32(head[4:], sum)
		buf.Write(head)
		buf.Write(data)
	}
	return appendSynced(name, buf.Bytes())
}
