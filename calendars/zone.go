package calendars

import "time"

// Zone is an IANA time zone.
type Zone struct {
	Name string
	loc  *time.Location
}
