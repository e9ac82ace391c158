package inputs

import (
	"slices"
	"strings"
)

// The parameters: what the parameters table can set, the columns of skus but its key. A parameter's number is its
// place in ParameterNames and in the provenance of a row.
const (
	ParamPolicy = iota
	ParamMin
	ParamMax
	ParamCoverDays
	ParamSafetyUnits
	ParamSafetyDays
	ParamPresentation
	ParamShelfCap
	ParamPack
	ParamMOQ
	ParamLayer
	ParamPallet
	ParamTolerance
	ParamDeadBand
	ParamRank
	ParamActiveFrom
	ParamActiveTo
	NumParameters
)

var parameterNames = [NumParameters]string{
	ParamPolicy:       "policy",
	ParamMin:          "min",
	ParamMax:          "max",
	ParamCoverDays:    "cover_days",
	ParamSafetyUnits:  "safety_units",
	ParamSafetyDays:   "safety_days",
	ParamPresentation: "presentation_min",
	ParamShelfCap:     "shelf_capacity",
	ParamPack:         "pack",
	ParamMOQ:          "moq",
	ParamLayer:        "layer_packs",
	ParamPallet:       "pallet_packs",
	ParamTolerance:    "round_up_tolerance",
	ParamDeadBand:     "dead_band",
	ParamRank:         "rank",
	ParamActiveFrom:   "active_from",
	ParamActiveTo:     "active_to",
}

// ParameterNames lists the parameters, in the order of their numbers.
func ParameterNames() []string { return slices.Clone(parameterNames[:]) }

func parameterWords() string { return strings.Join(parameterNames[:], ", ") }
