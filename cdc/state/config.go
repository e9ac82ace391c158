package state

import (
	"errors"
	"fmt"

	"echelon/cdc"
	"echelon/inputs"
)

// Config says what a state is fed by and where its checkpoints lie.
type Config struct {
	Dir        string       // folder of the checkpoints; "": none are read or written
	Tenant     string       // a checkpoint of another tenant is not opened
	Origins    []cdc.Origin // the mapping's, in its order: Change.Origin counts in it
	Keep       int          // checkpoints kept, at least 2; 0: 3
	Window     int          // ranks remembered over all tables; 0: as many as 16 bytes a SKU hold, at least 12,288
	Scattered  bool         // changes of one key may come through several partitions: see Apply
	Quarantine func(inputs.Fault)
}

// Validate reports all faults of the configuration at once.
func (c *Config) Validate() error {
	var errs []error
	if c.Keep != 0 && c.Keep < 2 {
		errs = append(errs, fmt.Errorf("keep %d checkpoints: want at least 2", c.Keep))
	}
	if c.Window < 0 {
		errs = append(errs, fmt.Errorf("window %d: want 0 or more ranks", c.Window))
	}
	names := map[string]bool{}
	owner := map[*inputs.Contract][]string{}
	rows := map[*inputs.Contract]string{}
	for i := range c.Origins {
		o := &c.Origins[i]
		if o.Contract == nil {
			errs = append(errs, fmt.Errorf("origin %q has no contract", o.Name))
			continue
		}
		if names[o.Name] {
			errs = append(errs, fmt.Errorf("origin %q is there twice", o.Name))
		}
		names[o.Name] = true
		if owner[o.Contract] == nil {
			owner[o.Contract] = make([]string, len(o.Contract.Columns))
		}
		errs = append(errs, checkOrigin(o, owner[o.Contract])...)
		if o.Rows {
			if other := rows[o.Contract]; other != "" {
				errs = append(errs, fmt.Errorf("origins %q and %q both own the rows of %s", other, o.Name, o.Contract.Table))
			}
			rows[o.Contract] = o.Name
		}
	}
	for i := range c.Origins {
		if k := c.Origins[i].Contract; k != nil && rows[k] == "" {
			rows[k] = "named"
			errs = append(errs, fmt.Errorf("no origin owns the rows of %s: one must", k.Table))
		}
	}
	return errors.Join(errs...)
}

// checkOrigin demands that an origin gives the whole key and columns that no other one gives.
func checkOrigin(o *cdc.Origin, owner []string) (errs []error) {
	given := make([]bool, len(o.Contract.Columns))
	last := -1
	for _, i := range o.Columns {
		if i <= last || i >= len(given) {
			return []error{fmt.Errorf("origin %q: its columns must be positions of %s, ascending", o.Name, o.Contract.Table)}
		}
		last, given[i] = i, true
		def := &o.Contract.Columns[i]
		if def.Key {
			continue
		}
		if owner[i] != "" {
			errs = append(errs, fmt.Errorf("column %s of %s belongs to both %q and %q", def.Name, o.Contract.Table, owner[i], o.Name))
		}
		owner[i] = o.Name
	}
	for _, i := range o.Contract.Keys() {
		if !given[i] && !o.Contract.Columns[i].Nullable {
			errs = append(errs, fmt.Errorf("origin %q gives no %s, which is part of the key of %s", o.Name, o.Contract.Columns[i].Name, o.Contract.Table))
		}
	}
	if o.Contract.Table == "forecasts" && !o.Rows {
		errs = append(errs, fmt.Errorf("origin %q: the rows of forecasts come whole from one origin", o.Name))
	}
	return errs
}
