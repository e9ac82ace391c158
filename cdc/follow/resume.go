package follow

import "echelon/cdc"

// resumer is a decoder that wants to know where reading goes on: what a record without a position of its own (a
// tombstone whose delete was compacted away) stands behind.
type resumer interface {
	Resume(part cdc.Partition, next int64, at cdc.Position)
}

// resume tells the decoder where the state ends.
func resume(cfg *Config) {
	d, ok := cfg.Decoder.(resumer)
	if !ok {
		return
	}
	for part, next := range cfg.State.Offsets() {
		d.Resume(part, next, cfg.State.High(part))
	}
}
