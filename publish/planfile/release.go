package planfile

import "echelon/inputs"

// Release is a released line of a published cycle: a later cycle counts it like an open order while its
// grace lasts.
type Release = inputs.Release

// CarryLine is one row of the layer `carry`: units wanted and not got since the SKU was last served in full.
type CarryLine = inputs.CarryEntry
