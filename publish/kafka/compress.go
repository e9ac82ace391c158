package kafka

import (
	"bytes"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
)

// zstdWindow is how far back a batch's matches reach. Lines repeat their neighbours: more finds hardly more and leaves
// the second-level cache.
const zstdWindow = 64 << 10

// zstdCompressor compresses batches as the client's own compressor at its fastest level, but without a checksum in the
// frame, which took a ninth of its time: the broker and every consumer check that of the batch. All publishers share it.
type zstdCompressor struct{ idle sync.Pool }

var batchCompressor = &zstdCompressor{}

// Compress implements kgo.Compressor. A broker of a version without zstd gets its lines as they are.
func (z *zstdCompressor) Compress(dst *bytes.Buffer, src []byte, flags ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	if slices.Contains(flags, kgo.CompressDisableZstd) {
		return nil, kgo.CodecNone
	}
	e, _ := z.idle.Get().(*zstd.Encoder)
	if e == nil {
		var err error
		e, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
		if err != nil {
			return nil, kgo.CodecError
		}
	}
	defer z.idle.Put(e)
	dst.Grow(e.MaxEncodedSize(len(src)))
	return e.EncodeAll(src, dst.Bytes()), kgo.CodecZstd
}
