package planfile

import (
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"echelon/planner"
)

// releaseColumn stands after the columns of every order layer.
const releaseColumn = "release_id"

// IsOrders reports whether a layer holds order lines.
func IsOrders(id planner.LayerID) bool {
	return id == planner.StoreOrders || id == planner.DCOrders || id == planner.VendorOrders
}

// schemaOf gives the Parquet schema of a layer, depth first, the root on top.
func schemaOf(id planner.LayerID) []format.SchemaElement {
	layer := planner.LayerOf(id)
	fields := len(layer.Columns)
	if IsOrders(id) {
		fields++
	}
	elements := []format.SchemaElement{{Name: layer.Name, NumChildren: thrift.New(int32(fields))}}
	for i := range layer.Columns {
		elements = append(elements, columnSchema(&layer.Columns[i])...)
	}
	if IsOrders(id) {
		elements = append(elements, stringElement(releaseColumn, format.Optional))
	}
	return elements
}

func columnSchema(c *planner.LayerColumn) []format.SchemaElement {
	switch c.Type {
	case planner.ColDay:
		e := leaf(c.Name, format.Int32, format.Optional)
		e.ConvertedType = thrift.New(deprecated.Date)
		e.LogicalType = format.LogicalType{Value: new(format.DateType)}
		return []format.SchemaElement{e}
	case planner.ColInt:
		return []format.SchemaElement{leaf(c.Name, format.Int64, format.Optional)}
	case planner.ColMilli:
		return []format.SchemaElement{decimal(c.Name, format.Optional)}
	case planner.ColBool:
		return []format.SchemaElement{leaf(c.Name, format.Boolean, format.Required)}
	case planner.ColMilliList:
		return append(list(c.Name), decimal("element", format.Required))
	case planner.ColLedger:
		return append(list(c.Name),
			format.SchemaElement{Name: "element", RepetitionType: thrift.New(format.Required), NumChildren: thrift.New(int32(2))},
			stringElement("reason", format.Required),
			leaf("change", format.Int64, format.Required))
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
	}
	return []format.SchemaElement{stringElement(c.Name, format.Optional)}
}

func leaf(name string, t format.Type, r format.FieldRepetitionType) format.SchemaElement {
	return format.SchemaElement{Name: name, Type: thrift.New(t), RepetitionType: thrift.New(r)}
}

func stringElement(name string, r format.FieldRepetitionType) format.SchemaElement {
	e := leaf(name, format.ByteArray, r)
	e.ConvertedType = thrift.New(deprecated.UTF8)
	e.LogicalType = format.LogicalType{Value: new(format.StringType)}
	return e
}

// decimal is thousandths: decimal(18,3) over int64.
func decimal(name string, r format.FieldRepetitionType) format.SchemaElement {
	e := leaf(name, format.Int64, r)
	e.ConvertedType = thrift.New(deprecated.Decimal)
	e.Scale, e.Precision = thrift.New(int32(3)), thrift.New(int32(18))
	e.LogicalType = format.LogicalType{Value: &format.DecimalType{Scale: 3, Precision: 18}}
	return e
}

// list opens a required list of required elements; the element follows.
func list(name string) []format.SchemaElement {
	return []format.SchemaElement{
		{
			Name: name, RepetitionType: thrift.New(format.Required), NumChildren: thrift.New(int32(1)),
			ConvertedType: thrift.New(deprecated.List), LogicalType: format.LogicalType{Value: new(format.ListType)},
		},
		{Name: "list", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(int32(1))},
	}
}
