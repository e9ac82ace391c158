package follow

import (
	"runtime"

	"echelon/cdc"
)

// resumer is a decoder that wants to know where reading goes on: what a record without a position of its own (a
// tombstone whose delete was compacted away) stands behind.
type resumer interface {
	Resume(part cdc.Partition, next int64, at cdc.Position)
}

// mostDecoders bounds the decoders: as many outrun what applies.
const mostDecoders = 4

// decoders gives those of the topics, and tells them where the state ends.
func decoders(cfg *Config) []cdc.Decoder {
	if cfg.Client == nil {
		return nil
	}
	out := make([]cdc.Decoder, max(1, min(runtime.GOMAXPROCS(0), mostDecoders)))
	offsets := cfg.State.Offsets()
	for i := range out {
		out[i] = cfg.Decoder.Fork()
		d, ok := out[i].(resumer)
		if !ok {
			continue
		}
		for part, next := range offsets {
			d.Resume(part, next, cfg.State.High(part))
		}
	}
	return out
}
