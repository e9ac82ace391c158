package inputs

// Scope is where the value of a parameter came from. The scopes of the `parameters` table lie in the middle,
// narrow to wide, so that a lower number is the stronger one.
type Scope uint8

// Scopes, strongest first.
const (
	FromSourcing Scope = iota
	FromSKU
	FromItemNode
	FromItem
	FromCategoryNode
	FromCategory
	FromNode
	FromGroup
	FromVendor
	FromTenant
	FromColumn // the item's or the node's own column
	FromPolicy // the policy's defaults
	FromContract
)

var scopeWords = [...]string{
	"sourcing", "sku", "item-node", "item", "category-node", "category", "node", "group", "vendor", "tenant",
	"column", "policy", "contract",
}

// String gives the scope's word.
func (s Scope) String() string {
	if int(s) < len(scopeWords) {
		return scopeWords[s]
	}
	return "unknown"
}

// Provenance returns, per entry of ParameterNames, the scope that a row's value came from. Lot sizes are
// those of its first lane. Nil for a dead row.
func (p *Partition) Provenance(net *Network, row int) []Scope {
	if p.Item[row] == None {
		return nil
	}
	text := net.Provenance[p.Prov[row]]
	scopes := make([]Scope, len(text))
	for i := range scopes {
		scopes[i] = Scope(text[i])
	}
	return scopes
}
