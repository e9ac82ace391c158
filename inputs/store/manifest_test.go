package store

import (
	"bytes"
	"errors"
	"testing"

	"echelon/inputs"
)

func TestManifestOfOtherVersionsIsRefusedByName(t *testing.T) {
	for kind, change := range map[string]func(m *Manifest){
		"layout_version":   func(m *Manifest) { m.Layout = OverVersion + 1 },
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

func TestContractVersionIsThatOfTheContracts(t *testing.T) {
	for _, c := range inputs.Contracts() {
		if c.Version > ContractVersion {
			t.Errorf("table %s has contract version %d: raise ContractVersion", c.Table, c.Version)
		}
	}
}

// FuzzManifest holds that only what encode writes is taken.
func FuzzManifest(f *testing.F) {
	m := &Manifest{Layout: LayoutVersion, Contract: ContractVersion, ByteOrder: byteOrder, Tenant: "acme", DCs: []DCEntry{{DC: "D1"}}}
	whole, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("{}"))
	f.Add(bytes.Replace(whole, []byte("sha256"), []byte("SHA256"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeManifest(data)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("taken, and written as %s (%v)", again, err)
		}
	})
}
