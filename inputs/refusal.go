package inputs

// Refusal says that inputs as a whole cannot be planned: the command ends with exit code 65, and the last
// good plan stays. Kinds are stable: result objects and dashboards hold on to them.
type Refusal struct {
	Kind  string // empty_folder, half_written, digest_mismatch, truncated, unknown_table, missing_column, …
	Where string // file, table or column
	Hint  string // what to do
	Err   error  // what was found, nil when Hint says it all
}

// Error gives the refusal as one line.
func (r *Refusal) Error() string {
	s := r.Kind + ": " + r.Where
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	if r.Hint != "" {
		s += " (" + r.Hint + ")"
	}
	return s
}

// Unwrap gives what was found.
func (r *Refusal) Unwrap() error { return r.Err }
