package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"echelon/inputs"
)

// Report is what is known of a folder's rows so far.
type Report struct {
	Tables  []TableReport // tables that the folder has, in the order of the contracts
	Notices []Notice
}

// TableReport is what became of the records of one table. Counts are there when the table was read to its end.
type TableReport struct {
	Table    string
	Files    []File
	Complete bool
	Counts   inputs.Counts
	Reasons  []ReasonCount  // of quarantine, ascending by reason
	Faults   []inputs.Fault // the first ones
}

// ReasonCount is how many rows were quarantined for a reason.
type ReasonCount struct {
	Reason inputs.Reason
	Rows   int64
}

// finish puts a table's counts into the report.
func (r *reader) finish() {
	if r.done {
		return
	}
	r.done = true
	t := &TableReport{
		Table: r.contract.Table, Files: r.files, Complete: true, Counts: r.sieve.Counts, Faults: r.first,
	}
	t.Reasons = reasonCounts(r.sieve.ByReason)
	r.folder.setReport(t)
	r.folder.noteUnused(r.contract, t.Counts.Applied, r.sieve.Unused)
}

// reasonCounts lists reasons ascending.
func reasonCounts(rows map[inputs.Reason]int64) []ReasonCount {
	var out []ReasonCount
	for _, reason := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, ReasonCount{Reason: reason, Rows: rows[reason]})
	}
	return out
}

func (f *Folder) setReport(t *TableReport) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports[t.Table] = t
}

// noteUnused names what of a table was checked and is not planned with; unused counts values by column.
func (f *Folder) noteUnused(c *inputs.Contract, applied int64, unused []int64) {
	if !c.Used && applied > 0 {
		f.notice(Notice{
			Kind: "not_used_yet", Where: c.Table,
			Hint: fmt.Sprintf("%d rows were checked; this version does not plan with the table", applied),
		})
		return
	}
	for i, n := range unused {
		if n > 0 {
			f.notice(Notice{
				Kind: "not_used_yet", Where: c.Table + "." + c.Columns[i].Name,
				Hint: fmt.Sprintf("%d values were checked; this version does not plan with the column", n),
			})
		}
	}
}

func (f *Folder) emitted(table string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[table]
}

func (f *Folder) setEmitted(table string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told[table] = n
}

// Report returns the counts of the tables that were read, and what a person should know.
func (f *Folder) Report() Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out Report
	for _, c := range inputs.Contracts() {
		if len(f.files[c.Table]) == 0 {
			continue
		}
		if t := f.reports[c.Table]; t != nil {
			out.Tables = append(out.Tables, *t)
			continue
		}
		out.Tables = append(out.Tables, TableReport{Table: c.Table, Files: f.files[c.Table]})
	}
	out.Notices = append(out.Notices, f.notices...)
	return out
}

// Check reads every table through and keeps nothing but the report: what `check` does.
func (f *Folder) Check(ctx context.Context) (Report, error) {
	for _, c := range inputs.Contracts() {
		if !f.Has(c.Table) {
			continue
		}
		if err := f.checkTable(ctx, c.Table); err != nil {
			return f.Report(), err
		}
	}
	return f.Report(), nil
}

func (f *Folder) checkTable(ctx context.Context, table string) error {
	r, err := f.Open(ctx, table)
	if err != nil {
		return err
	}
	for {
		if _, err := r.Next(ctx); errors.Is(err, io.EOF) {
			return r.Close()
		} else if err != nil {
			return errors.Join(err, r.Close())
		}
	}
}

// CheckUnused reads the tables that planning does not, so that their rows are checked and counted too.
func (f *Folder) CheckUnused(ctx context.Context) error {
	for _, c := range inputs.Contracts() {
		if c.Used || !f.Has(c.Table) {
			continue
		}
		if err := f.checkTable(ctx, c.Table); err != nil {
			return err
		}
	}
	return nil
}
