package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"echelon/calendars"
	"echelon/calendars/holidays"
	"echelon/calendars/ical"
	"echelon/publish/outcome"
)

var calendarID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// calendarFlags are the flags of `calendar`.
type calendarFlags struct {
	id, from, to, zone, observance string
	files, tables                  []string
	open                           bool
}

func (a *app) calendarCommand() *cobra.Command {
	var f calendarFlags
	cmd := &cobra.Command{
		Use: "calendar", Short: "Holiday tables and iCalendar files as rows of the table calendar_days", Args: exactly(0),
		Long: "Writes the days of iCalendar files (RFC 5545) and of named holiday tables as CSV rows of the table calendar_days: dated\n" +
			"exceptions, which beat every rule of the calendar. Days that several of them name are one row.\n" +
			"Holiday tables: " + strings.Join(holidays.Names(), ", ") + ".",
		Example: `  echelon calendar --calendar DOCKS --holidays US --from 2026-01-01 --to 2027-12-31 > in/calendar_days.csv
  echelon calendar --calendar CARRIER --ics carrier.ics --from 2026-11-01 --to 2027-02-28 --zone America/Chicago
  echelon calendar --calendar SUNDAYS --ics openings.ics --open --from 2026-11-01 --to 2026-12-31`,
		RunE: func(*cobra.Command, []string) error { return a.calendar(&f) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.id, "calendar", "", "id of the calendar")
	fs.StringSliceVar(&f.files, "ics", nil, "iCalendar files")
	fs.StringSliceVar(&f.tables, "holidays", nil, "holiday tables: US, DE-BY, …")
	fs.StringVar(&f.observance, "observance", "actual", "a holiday on a day off that is kept on another: actual, observed or both")
	fs.StringVar(&f.from, "from", "", "first day")
	fs.StringVar(&f.to, "to", "", "last day")
	fs.StringVar(&f.zone, "zone", "", "zone whose civil days the events of iCalendar files touch (default: the days as the file writes them)")
	fs.BoolVar(&f.open, "open", false, "the days of iCalendar files are open ones (default: closed)")
	return cmd
}

func (a *app) calendar(f *calendarFlags) error {
	days, err := f.days()
	if err != nil {
		return err
	}
	w := csv.NewWriter(a.out)
	rows := [][]string{{"calendar", "date", "state", "why"}}
	for _, d := range days {
		state := "closed"
		if d.Open {
			state = "open"
		}
		rows = append(rows, []string{f.id, d.Day.String(), state, d.Why})
	}
	return w.WriteAll(rows)
}

// days gives the days of all sources, ascending, one row each.
func (f *calendarFlags) days() ([]calendars.Exception, error) {
	o := ical.Options{Open: f.open}
	var errs []error
	day := func(flag, text string) calendars.Day {
		d, err := calendars.ParseDay(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %q: want a date such as 2026-11-21", flag, text))
		}
		return d
	}
	o.First, o.Last = day("from", f.from), day("to", f.to)
	if !calendarID.MatchString(f.id) {
		errs = append(errs, fmt.Errorf("--calendar %q: want letters, digits, . _ -, at most 64", f.id))
	}
	if len(f.files)+len(f.tables) == 0 {
		errs = append(errs, errors.New("name a file with --ics or a table with --holidays"))
	}
	if f.open && len(f.tables) > 0 {
		errs = append(errs, errors.New("--open with --holidays: holidays are closed days; import them apart"))
	}
	which, ok := map[string]holidays.Observance{"actual": holidays.Actual, "observed": holidays.Observed, "both": holidays.Both}[f.observance]
	if !ok {
		errs = append(errs, fmt.Errorf("--observance %q: want actual, observed or both", f.observance))
	}
	if f.zone != "" {
		z, err := calendars.LoadZone(f.zone)
		if err != nil {
			errs = append(errs, fmt.Errorf("--zone: %w", err))
		}
		o.Zone = z
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &usageError{err}
	}
	if err := o.Validate(); err != nil {
		return nil, &usageError{err}
	}
	var all []calendars.Exception
	for _, name := range f.tables {
		list, err := holidays.Days(name, o.First.Time().Year(), o.Last.Time().Year(), which)
		if err != nil {
			return nil, &usageError{err}
		}
		all = append(all, slices.DeleteFunc(list, func(x calendars.Exception) bool { return x.Day < o.First || x.Day > o.Last })...)
	}
	for _, name := range f.files {
		list, err := calendarFile(name, o)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return oneADay(all), nil
}

// calendarFile imports an iCalendar file.
func calendarFile(name string, o ical.Options) ([]calendars.Exception, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, outcome.New(outcome.CodeRefused, "no_file", name, "name an iCalendar file", "%w", err)
	}
	defer closing(file)
	list, err := ical.Import(file, o)
	if err != nil {
		return nil, outcome.New(outcome.CodeRefused, "calendar_refused", name, "nothing of it was taken; correct it, or narrow --from and --to", "%w", err)
	}
	return list, nil
}

// oneADay joins the rows of a day; what they say of it is listed.
func oneADay(all []calendars.Exception) []calendars.Exception {
	slices.SortStableFunc(all, func(a, b calendars.Exception) int { return int(a.Day) - int(b.Day) })
	var out []calendars.Exception
	for _, x := range all {
		if n := len(out); n > 0 && out[n-1].Day == x.Day {
			if !slices.Contains(strings.Split(out[n-1].Why, "; "), x.Why) {
				out[n-1].Why += "; " + x.Why
			}
			continue
		}
		out = append(out, x)
	}
	return out
}
