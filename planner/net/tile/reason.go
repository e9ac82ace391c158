package tile

// Reason says why a row is not netted by the kernel. The order is kept: figures name them.
type Reason uint8

// Reasons.
const (
	Netted    Reason = iota // by the kernel
	Unplanned               // held, without lanes, or policy none: nothing to net
	Kind                    // dates, promises, dated safety stock, or a DC's own row
	Lots                    // lot sizes with layers or pallets
	Negative                // more is owed than there is
	Today                   // an open order was ordered today
	Wide                    // a number beyond the narrow range
	Tables                  // a table of several lanes, or without a later opportunity behind the last one
	Late                    // an open order may cure a need
	MaxTooLow               // min-max whose max leaves the window under its floor, or asks for nothing
	NumReasons
)

var reasonNames = [NumReasons]string{
	"netted", "unplanned", "kind", "lots", "negative", "today", "wide", "tables", "late", "max_too_low",
}

func (r Reason) String() string {
	if r < NumReasons {
		return reasonNames[r]
	}
	return "unknown"
}
