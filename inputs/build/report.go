package build

import "echelon/inputs"

// Report is what became of the rows. Tables are in the order of the contracts.
type Report struct {
	Tables []TableReport
	Faults []inputs.Fault // the first ones met, at most Options.MaxFaults
	Unused []string       // tables with rows that this engine version does not plan with

	most       int
	quarantine func(inputs.Fault)
}

// TableReport counts the rows of one table. Filtered rows are right and name no SKU of the snapshot.
type TableReport struct {
	Table string
	inputs.Counts
}

func newReport(opt *Options) *Report {
	r := &Report{most: opt.MaxFaults, quarantine: opt.Quarantine}
	if r.most == 0 {
		r.most = 1000
	}
	for _, c := range inputs.Contracts() {
		r.Tables = append(r.Tables, TableReport{Table: c.Table})
	}
	return r
}

// Counts returns the counts of a table.
func (r *Report) Counts(table string) inputs.Counts { return *r.counts(table) }

func (r *Report) counts(table string) *inputs.Counts {
	for i := range r.Tables {
		if r.Tables[i].Table == table {
			return &r.Tables[i].Counts
		}
	}
	panic("build: no table " + table)
}

// fault quarantines row i of a batch.
func (r *Report) fault(batch *inputs.Batch, i int, column string, reason inputs.Reason, hint string) {
	r.counts(batch.Contract.Table).Quarantined++
	f := inputs.Fault{
		Table: batch.Contract.Table, Reason: reason, Column: column, Hint: hint,
		Source: batch.Source, Position: batch.Position(i),
	}
	if at := batch.Contract.Index(column); at >= 0 {
		f.Value = inputs.Cut(inputs.FormatCell(&batch.Contract.Columns[at], &batch.Columns[at], i))
	}
	if len(r.Faults) < r.most {
		r.Faults = append(r.Faults, f)
	}
	if r.quarantine != nil {
		r.quarantine(f)
	}
}

// unknown quarantines row i for an id that its table does not have.
func (r *Report) unknown(batch *inputs.Batch, i int, column string) {
	hint := "no such row in the snapshot: add it or correct the id"
	if at := batch.Contract.Index(column); at >= 0 && batch.Contract.Columns[at].Ref != "" {
		hint = "no such row in " + batch.Contract.Columns[at].Ref + ", or that row is in quarantine: add it or correct the id"
	}
	r.fault(batch, i, column, inputs.UnknownRef, hint)
}
