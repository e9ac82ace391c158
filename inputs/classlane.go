package inputs

import "echelon/calendars"

// ClassLaneFields is the number of fields of a ClassLane.
const ClassLaneFields = 19

// Fields gives the fields as numbers, in the order in which classes are sorted.
func (c *ClassLane) Fields() [ClassLaneFields]int64 {
	return [ClassLaneFields]int64{
		int64(c.SourceZone), int64(c.DestZone), int64(c.SourceDay0), int64(c.DestDay0), truth01(c.SourceIsVendor),
		int64(c.SourceOrderCal), int64(c.LaneOrderCal), int64(c.DestOrderCal), int64(c.Cutoff), int64(c.PrepDays),
		int64(c.PickCal), int64(c.DepartCal), int64(c.TransitCal), int64(c.ReceiveCal), int64(c.TransitDays),
		int64(c.PutAwayDays), truth01(c.TransitElapsed), int64(c.ValidFrom), int64(c.ValidTo),
	}
}

// ClassLaneOf is the reverse of Fields.
func ClassLaneOf(f [ClassLaneFields]int64) ClassLane {
	return ClassLane{
		SourceZone: ZoneIdx(f[0]), DestZone: ZoneIdx(f[1]),
		SourceDay0: calendars.Day(f[2]), DestDay0: calendars.Day(f[3]), SourceIsVendor: f[4] == 1,
		SourceOrderCal: CalIdx(f[5]), LaneOrderCal: CalIdx(f[6]), DestOrderCal: CalIdx(f[7]),
		Cutoff: int32(f[8]), PrepDays: int32(f[9]),
		PickCal: CalIdx(f[10]), DepartCal: CalIdx(f[11]), TransitCal: CalIdx(f[12]), ReceiveCal: CalIdx(f[13]),
		TransitDays: int32(f[14]), PutAwayDays: int32(f[15]), TransitElapsed: f[16] == 1,
		ValidFrom: calendars.Day(f[17]), ValidTo: calendars.Day(f[18]),
	}
}

func truth01(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
