package planner

// ShareRule says who gets the next pack of scarce stock.
type ShareRule uint8

// Sharing rules.
const (
	ShareDays ShareRule = iota
	ShareFill
	ShareProportional
	SharePriority
)

// Reserve says what a DC keeps back from sharing.
type Reserve uint8

// Reserves.
const (
	ReserveNone Reserve = iota
	ReserveSafety
	ReserveSafetyBeyond // safety stock less ReserveDays days of forward demand
)

// LinesMode says which store order lines are published.
type LinesMode uint8

// Lines modes.
const (
	LinesWindow LinesMode = iota
	LinesAll
)

// ProjectionsMode says which SKUs have a projection row.
type ProjectionsMode uint8

// Projections modes.
const (
	ProjectionsNotable ProjectionsMode = iota
	ProjectionsAll
	ProjectionsNone
)

// Policy is the part of a tenant's policy that decides the plan. The zero value is not valid; start from
// DefaultPolicy. Everything here is part of the policy hash.
type Policy struct {
	HorizonDays      int // H, 14 to 91
	Lines            LinesMode
	Projections      ProjectionsMode
	LayersOff        [NumLayers]bool
	MissingZero      bool // missing_position: zero
	ShareRule        ShareRule
	RanksBeforeTiers bool
	Reserve          Reserve
	ReserveDays      int
	WindowDays       int  // deployment window, 0: from the tables
	OrderExpedited   bool // order a need although an open order would cure it
	GraceHours       int
	OrderFeedNone    bool // order_feed: none
}

// DefaultPolicy returns the defaults of every setting.
func DefaultPolicy() Policy {
	return Policy{HorizonDays: 28, GraceHours: 36}
}
