package cycle

import "echelon/publish/outcome"

// Failure is the result of a run that ended before Run could begin: a wrong argument, a policy that cannot be
// read, a broker that does not start.
func Failure(tenant, id, engine string, e *outcome.Error) *Result {
	r := &run{cfg: Config{Tenant: tenant, Cycle: id, Engine: engine}}
	out := r.base()
	out.ExitCode = e.Code
	what := e.Hint
	if e.Err != nil {
		what = e.Err.Error()
	}
	out.Faults = append(out.Faults, Fault{Kind: e.Kind, Where: e.Where, Hint: what})
	return out
}
