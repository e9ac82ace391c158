package cycle

import (
	"fmt"

	"echelon/planner"
	"echelon/publish/disk"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// Bytes that the plan files of one SKU take, by what the policy asks for: measured on the generated network
// and rounded up by half.
const (
	planBytesWindow      = 135
	planBytesAll         = 250 // more, lines: all
	planBytesProjections = 200 // more, projections: all, per 28 days
)

// planBytes bounds what the plan files of so many SKUs will take.
func planBytes(p *planner.Policy, skus int64) int64 {
	each := int64(planBytesWindow)
	if p.Lines == planner.LinesAll {
		each += planBytesAll
	}
	if p.Projections == planner.ProjectionsAll {
		each += planBytesProjections * int64(p.HorizonDays) / 28
	}
	const folder = 256 << 10 // manifest, footers and short layers of a few DCs
	return skus*each + folder
}

// roomy is a publisher that keeps what it publishes on the disk of the state folder.
type roomy interface {
	// Room is how many bytes it takes for plan files of so many.
	Room(planBytes int64) int64
}

// planSpace is space for the plan files of so many SKUs and for what the publisher keeps of them.
func (r *run) planSpace(skus int64) error {
	need := planBytes(&r.cfg.Policy, skus)
	if p, ok := r.cfg.Publisher.(roomy); ok {
		need += p.Room(need)
	}
	return r.space(need, planfile.CycleDir(r.cfg.State, r.cfg.Tenant, r.intent.Cycle))
}

// space says how many bytes a step needs and refuses it when they are not free.
func (r *run) space(need int64, dir string) error {
	free, err := r.cfg.FS.Free(dir)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s needs up to %d bytes, %d are free", dir, need, free)
	r.cfg.On(Event{Stage: "space", Done: need, Total: free, Unit: "bytes", Text: text})
	if need > free {
		return outcome.New(outcome.CodeAgain, "disk_full", dir, "make room, or name another --state folder",
			"needs up to %d bytes, %d are free", need, free)
	}
	return nil
}

// diskError classifies the error of a write.
func diskError(where string, err error) error {
	if err != nil && (disk.IsFull(err) || state.IsFull(err)) {
		return outcome.New(outcome.CodeAgain, "disk_full", where, "make room and run the same cycle again", "%w", err)
	}
	return err
}
