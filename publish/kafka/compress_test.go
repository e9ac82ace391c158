package kafka

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

// TestBatchesAreReadByTheClient compresses as publishing does and decompresses as consumers do.
func TestBatchesAreReadByTheClient(t *testing.T) {
	reader := kgo.DefaultDecompressor()
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.SliceOf(rapid.Byte()).Draw(t, "line")
		src := bytes.Repeat(one, rapid.IntRange(1, 5000).Draw(t, "times"))
		packed, codec := batchCompressor.Compress(new(bytes.Buffer), src)
		if codec != kgo.CodecZstd {
			t.Fatalf("codec %d", codec)
		}
		got, err := reader.Decompress(packed, codec)
		if err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%d bytes came back as %d, %v", len(src), len(got), err)
		}
	})
	if packed, codec := batchCompressor.Compress(new(bytes.Buffer), []byte("line"), kgo.CompressDisableZstd); packed != nil || codec != kgo.CodecNone {
		t.Errorf("for a broker without zstd: %q, codec %d", packed, codec)
	}
}
