package planner

// Reason is the stable code of one ledger step. Append only.
type Reason uint8

// Reasons (docs/planning.md says what each means).
const (
	ReasonNeed Reason = iota
	ReasonOrderUpTo
	ReasonCoverDays
	ReasonMinOrder
	ReasonPack
	ReasonLayer
	ReasonPallet
	ReasonDeadBand
	ReasonExpediteInstead
	ReasonSizeConflict
	ReasonShelfCap
	ReasonShelfLife
	ReasonSeasonEnd
	ReasonShare
	NumReasons
)

// reasonWords are the published names, in order of the codes.
var reasonWords = [NumReasons]string{
	"need", "order_up_to", "cover_days", "min_order", "pack", "layer", "pallet", "dead_band",
	"expedite_instead", "size_conflict", "shelf_cap", "shelf_life", "season_end", "share",
}

// String gives the published name.
func (r Reason) String() string {
	if r < NumReasons {
		return reasonWords[r]
	}
	return "unknown"
}

// ExceptionKind is the stable code of an exception. Append only.
type ExceptionKind uint8

// Exception kinds.
const (
	ExStockOut ExceptionKind = iota
	ExShort
	ExNoPosition
	ExNoLane
	ExLaneClosed
	ExLaneCycle
	ExSizeConflict
	ExShelfOverflow
	ExMaxTooLow
	ExOverdueOrder
	ExLateReceipt
	ExReleaseUnconfirmed
	ExNoForecast
	ExForecastShort
	ExHorizonShort
	ExDemandIgnored
	ExNegativePosition
	NumExceptions
)

var exceptionWords = [NumExceptions]string{
	"stock_out", "short", "no_position", "no_lane", "lane_closed", "lane_cycle", "size_conflict",
	"shelf_overflow", "max_too_low", "overdue_order", "late_receipt", "release_unconfirmed",
	"no_forecast", "forecast_short", "horizon_short", "demand_ignored", "negative_position",
}

// String gives the published name.
func (k ExceptionKind) String() string {
	if k < NumExceptions {
		return exceptionWords[k]
	}
	return "unknown"
}

// Severity of an exception.
type Severity uint8

// Severities.
const (
	High Severity = iota
	Medium
	Low
)
