package store

import (
	"errors"
	"testing"

	"echelon/inputs"
)

func TestManifestOfOtherVersionsIsRefusedByName(t *testing.T) {
	for kind, change := range map[string]func(m *Manifest){
		"layout_version":   func(m *Manifest) { m.Layout++ },
		"contract_version": func(m *Manifest) { m.Contract++ },
		"byte_order":       func(m *Manifest) { m.ByteOrder = "big" },
		"other_tenant":     func(m *Manifest) { m.Tenant = "other" },
	} {
		m := &Manifest{Layout: LayoutVersion, Contract: ContractVersion, ByteOrder: byteOrder, Tenant: "acme"}
		if err := m.check("acme"); err != nil {
			t.Fatal(err)
		}
		change(m)
		data, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeManifest(data)
		if err != nil {
			t.Fatal(err)
		}
		var r *inputs.Refusal
		if err := again.check("acme"); !errors.As(err, &r) || r.Kind != kind {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
