package decode

import (
	"echelon/cdc"
	"echelon/inputs"
)

// Registry gives Avro schemas.
type Registry interface{}

type avroKey struct{}
type avroPlan struct{}

func noRegistry() error {
	return &inputs.Fault{Reason: inputs.BadRecord, Hint: "the record is Avro and no schema registry is configured"}
}

func (d *Decoder) avroEnvelope(*topic, *cdc.Record) error { return noRegistry() }
func (d *Decoder) avroKeyRow(*row, *cdc.Record) error     { return noRegistry() }
func (d *Decoder) avroAfter(*row, *cdc.Record) error      { return noRegistry() }
func (d *Decoder) canonicalAvro(*row, *cdc.Record) (cdc.Op, error) {
	return cdc.Upsert, noRegistry()
}
func (d *Decoder) avroTransaction(*topic, *cdc.Record, *transactionMarkRecord) error {
	return noRegistry()
}
