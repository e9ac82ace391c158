package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

var errPage = errors.New("its pages are not those of a snapshot")

// eachValue calls f with every value of a column of byte arrays, in order, as it lies in the file: nothing is
// copied. The column must be required, PLAIN and without a codec, which is how snapshots are written.
func eachValue(data []byte, group *format.RowGroup, column int, f func(value []byte) error) error {
	if column >= len(group.Columns) {
		return errPage
	}
	meta := &group.Columns[column].MetaData
	if meta.Codec != format.Uncompressed || meta.Type != format.ByteArray || meta.DictionaryPageOffset != 0 {
		return errPage
	}
	at, left := meta.DataPageOffset, meta.NumValues
	for left > 0 {
		if at < 0 || at >= int64(len(data)) {
			return errPage
		}
		var head format.PageHeader
		in := bytes.NewReader(data[at:])
		if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(in)).Decode(&head); err != nil {
			return fmt.Errorf("%w: %w", errPage, err)
		}
		begin := int64(len(data)) - int64(in.Len())
		values, ok := plainValues(&head)
		if !ok || values > left || head.CompressedPageSize < 0 || int64(head.CompressedPageSize) > int64(len(data))-begin {
			return errPage
		}
		at = begin + int64(head.CompressedPageSize)
		if err := splitValues(data[begin:at], values, f); err != nil {
			return err
		}
		left -= values
	}
	return nil
}

// plainValues gives how many values a page has; false when they are not PLAIN alone.
func plainValues(head *format.PageHeader) (values int64, ok bool) {
	var encoding format.Encoding
	switch head.Type {
	case format.DataPage:
		if !head.DataPageHeader.Valid {
			return 0, false
		}
		values, encoding = int64(head.DataPageHeader.V.NumValues), head.DataPageHeader.V.Encoding
	case format.DataPageV2:
		if v := &head.DataPageHeaderV2; !v.Valid || v.V.DefinitionLevelsByteLength != 0 || v.V.RepetitionLevelsByteLength != 0 {
			return 0, false
		}
		values, encoding = int64(head.DataPageHeaderV2.V.NumValues), head.DataPageHeaderV2.V.Encoding
	case format.IndexPage, format.DictionaryPage:
		return 0, false
	}
	return values, values > 0 && encoding == format.Plain && head.CompressedPageSize == head.UncompressedPageSize
}

// splitValues calls f with each of a page's values: lengths of four bytes, each before its bytes.
func splitValues(page []byte, values int64, f func(value []byte) error) error {
	for ; values > 0; values-- {
		if len(page) < 4 {
			return errPage
		}
		size := int64(binary.LittleEndian.Uint32(page))
		page = page[4:]
		if size > int64(len(page)) {
			return errPage
		}
		if err := f(page[:size]); err != nil {
			return err
		}
		page = page[size:]
	}
	if len(page) > 0 {
		return errPage
	}
	return nil
}

// eachChunkData calls f with the data of every chunk of a file, in order.
func eachChunkData(data []byte, f *parquet.File, take func(value []byte) error) error {
	groups := f.Metadata().RowGroups
	for i := range groups {
		if err := eachValue(data, &groups[i], dataColumn, take); err != nil {
			return err
		}
	}
	return nil
}
