package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"echelon/inputs"
)

// Draft is partitions on disk for as long as a snapshot is being made of them, by the process that wrote them: one file,
// column behind column as they lie in memory, without digests and without waiting for the disk.
//
//	partition  columns in the order of partitionTable
//	column     count, then chunks of chunkBytes at most: one byte, and one element (1) or all of them (0)
type Draft struct {
	file *os.File
	out  *bufio.Writer
	size int64
	ends []int64 // where each partition ends
}

// NewDraft makes an empty draft in a file that does not exist.
func NewDraft(path string) (*Draft, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("draft of a snapshot: %w", err)
	}
	return &Draft{file: f, out: bufio.NewWriterSize(f, chunkBytes)}, nil
}

// Add appends a partition.
func (d *Draft) Add(p *inputs.Partition) error {
	head := headOf(p)
	t := partitionTable(p, &head)
	t.pack()
	for i := range t.columns {
		c := &t.columns[i]
		data := c.bytes()
		d.put(binary.LittleEndian.AppendUint64(nil, uint64(len(data)/c.width)))
		for len(data) > 0 {
			part := data[:min(len(data), chunkBytes/c.width*c.width)]
			data = data[len(part):]
			if constant(part, c.width) {
				d.put([]byte{1})
				part = part[:c.width]
			} else {
				d.put([]byte{0})
			}
			d.put(part)
		}
	}
	d.ends = append(d.ends, d.size)
	if err := d.out.Flush(); err != nil {
		return fmt.Errorf("draft of a snapshot: %w", err)
	}
	return nil
}

// put writes bytes; a failure stays in the writer until it is flushed.
func (d *Draft) put(data []byte) {
	n, _ := d.out.Write(data)
	d.size += int64(n)
}

// Partition reads partition i back.
func (d *Draft) Partition(i int) (*inputs.Partition, error) {
	from := int64(0)
	if i > 0 {
		from = d.ends[i-1]
	}
	in := bufio.NewReaderSize(io.NewSectionReader(d.file, from, d.ends[i]-from), chunkBytes)
	p := &inputs.Partition{}
	var head []int64
	t := partitionTable(p, &head)
	for k := range t.columns {
		if err := t.columns[k].read(in); err != nil {
			return nil, fmt.Errorf("draft of a snapshot: column %s: %w", t.columns[k].name, err)
		}
	}
	for _, x := range t.texts {
		if !x.unpack() {
			return nil, errShape
		}
	}
	if len(head) != 3 {
		return nil, errShape
	}
	p.DC, p.Horizon, p.Live = inputs.NodeIdx(head[0]), int(head[1]), int(head[2])
	return p, nil
}

// read fills a column from a draft.
func (c *column) read(in io.Reader) error {
	var word [8]byte
	if _, err := io.ReadFull(in, word[:]); err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint64(word[:]))
	if n == 0 {
		return nil
	}
	room := c.alloc(n)
	step := chunkBytes / c.width
	for first := 0; first < n; first += step {
		h := chunk{First: int64(first), Count: int64(min(step, n-first)), Width: int32(c.width)}
		if _, err := io.ReadFull(in, word[:1]); err != nil {
			return err
		}
		if word[0] == 0 {
			if _, err := io.ReadFull(in, room.bytes[first*c.width:(first+int(h.Count))*c.width]); err != nil {
				return err
			}
			continue
		}
		if _, err := io.ReadFull(in, word[:c.width]); err != nil {
			return err
		}
		if err := place(room, &h, word[:c.width]); err != nil {
			return err
		}
	}
	return nil
}

// Close takes the draft away.
func (d *Draft) Close() error {
	return errors.Join(d.file.Close(), os.Remove(d.file.Name()))
}
