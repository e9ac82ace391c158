package build

import (
	"echelon/calendars"
)

// networkFacts is what the later steps need of nodes, items and lanes beside the snapshot's own tables.
type networkFacts struct {
	itemIDs, nodeIDs, laneIDs, calIDs dictionary

	zones    []*calendars.Zone    // parallel to Network.Zones
	openSets []*calendars.OpenSet // parallel to Network.Calendars
	nodeFrom []calendars.Day      // open dates
	nodeTo   []calendars.Day
	nodeRank []int32 // 0: not given
	into     [][]int32
	// per node: usable lanes into it by (priority, lane)

	category []int32 // per item: index into categories, None
	itemPack []int32 // 0: not given
	itemLay  []int32
	itemPal  []int32
	itemLife []int16
	sellFrom []calendars.Day
	sellTo   []calendars.Day

	categories dictionary
	groups     dictionary
	group      []int32 // per node: index into groups, None

	lanes []laneFacts

	zoneDay []zoneDay // per zone
}
