package decode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
	"echelon/inputs/schema"
)

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	stockSchemas(r)
	for _, c := range inputs.Contracts() {
		text, err := schema.Avro(c)
		if err != nil {
			t.Fatal(err)
		}
		r.put(CanonicalTopic("acme", c.Table)+"-value", string(text))
	}
	f := with(t, Options{Tenant: "acme", Registry: r.client()})
	if err := f.Check(context.Background()); err != nil {
		t.Errorf("our own schemas: %v", err)
	}
	r.put(CanonicalTopic("acme", "carry")+"-value", `{"type":"record","name":"Mine","fields":[{"name":"units","type":"int"},{"name":"item","type":"string"},{"name":"node","type":"string"},{"name":"extra","type":"double"}]}`)
	if err := f.Check(context.Background()); err != nil {
		t.Errorf("a producer's own schema with narrower, missing and additional columns: %v", err)
	}
	f = with(t, Options{Tenant: "other", Registry: r.client(), Mapping: mapping(t, fmt.Sprintf(benchMapping, "avro"))})
	err := f.Check(context.Background())
	want := []string{
		"inventory.on_hand (from cases): may be null in the schema, and must have a value",
	}
	if diff := cmp.Diff(want, differing(t, err)); diff != "" {
		t.Errorf("a column that may be null (-want +got):\n%s", diff)
	}
}

// differing gives the differences of a refusal.
func differing(t *testing.T, err error) []string {
	t.Helper()
	var refusal *inputs.Refusal
	if !errors.As(err, &refusal) || refusal.Kind != "schema_differs" {
		t.Fatalf("got %v, want a refusal of kind schema_differs", err)
	}
	return strings.Split(strings.TrimSuffix(refusal.Hint, ": correct the mapping or the source's schema"), "; ")
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	stockSchemas(r)
	r.put("acme.in.inventory.v1-value", `{"type":"record","name":"Inventory","fields":[{"name":"item","type":"string"},{"name":"node","type":["null","string"]},{"name":"ONHAND","type":"int"},{"name":"counted_at","type":"long"}]}`)
	f := with(t, Options{Tenant: "acme", Registry: r.client(), Mapping: mapping(t, `
version: 1
sources: {wms: {format: debezium-avro}, oms: {format: debezium-avro}}
tables:
  lots:
    from:
      - {source: wms, table: public.stock, topic: wms.public.stock, columns: {item: sku, node: cases, expires: best, quantity: {from: id}}}
  skus:
    from:
      - {source: wms, table: public.stock, topic: wms.public.stock, rows: true, columns: {item: sku_no, node: note, pack: sku_no, moq: counted, active_from: id, active_to: held}}
  nodes:
    from:
      - {source: oms, table: public.shops, topic: oms.public.shops, columns: {node: id, kind: {constant: store}, zone: {constant: UTC}}}
`)})
	want := []string{
		"inventory.node: may be null in the schema, and must have a value",
		"inventory.on_hand: missing in the schema",
		"inventory.counted_at: is a whole number, an instant is needed (a mapping file can name its unit)",
		"subject oms.public.shops-value is missing in the registry",
		"skus.active_from (from id): is a whole number, a date is needed (a mapping file can name its unit)",
		"skus.active_to (from held): is a double, a date is needed (a mapping file can name its unit)",
		"skus.node (from note): missing in the key",
		"lots.item (from sku): missing in the key (it has sku_no)",
		"lots.node (from cases): missing in the key",
		"lots.expires (from best): may be null in the key, and must have a value",
	}
	got := differing(t, f.Check(context.Background()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

// TestCheckResolves lets the library find what is no question of single columns' kinds.
func TestCheckResolves(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.put("acme.in.carry.v1-value", `{"type":"record","name":"Carry","fields":[{"name":"item","type":"string"},{"name":"node","type":"string"},{"name":"units","type":"double"}]}`)
	f := with(t, Options{Tenant: "acme", Registry: r.client()})
	got := differing(t, f.Check(context.Background()))
	if len(got) != 1 || !strings.HasPrefix(got[0], "carry: units: written as double, read as long") {
		t.Errorf("got %q", got)
	}
}

func TestCheckWithoutRegistry(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	f := with(t, Options{Registry: r.client(), Mapping: mapping(t, fmt.Sprintf(benchMapping, "avro"))})
	r.Close()
	var away *RegistryError
	if err := f.Check(context.Background()); !errors.As(err, &away) {
		t.Errorf("the registry is away: got %v", err)
	}
	f = with(t, Options{Tenant: "acme", Registry: r.client()})
	if err := f.Check(context.Background()); err != nil {
		t.Errorf("topics that may be JSON, the registry is away: got %v", err)
	}
	f = with(t, Options{Mapping: mapping(t, fmt.Sprintf(benchMapping, "avro"))})
	if err := f.Check(context.Background()); !errors.As(err, &away) {
		t.Errorf("no registry: got %v", err)
	}
	f = with(t, Options{Tenant: "acme", Mapping: mapping(t, fmt.Sprintf(benchMapping, "json"))})
	if err := f.Check(context.Background()); err != nil {
		t.Errorf("JSON needs no registry: %v", err)
	}
}
