package build

import (
	"cmp"
	"fmt"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// level is the values of one parameter in one scope.
type level struct {
	scope inputs.Scope
	wide  []int32  // dense by item, category, node, group or vendor (the node's index), one entry for the tenant
	keys  []uint64 // sorted pairs; nil: the level is dense
	vals  []int32
}

// cascade is the parameters table, compiled: per parameter the levels that have values, narrow to wide.
type cascade struct {
	levels   [inputs.NumParameters][]level
	policy   [inputs.NumParameters]int32 // the policy's defaults, null where it has none
	contract [inputs.NumParameters]int32 // the contract's
}

// subject is the SKU that a parameter is looked up for.
type subject struct {
	item, node, category, group, vendor int32
	stage                               int32
}

type staged struct {
	scope inputs.Scope
	param int
	key   uint64
	value int32
}

func (b *builder) readParameters() error {
	names := inputs.ParameterNames()
	for p := range names {
		b.policy[p], b.contract[p] = null, 0
	}
	b.contract[inputs.ParamShelfCap], b.contract[inputs.ParamPack], b.contract[inputs.ParamRank] = inputs.None, 1, 1
	b.contract[inputs.ParamActiveFrom], b.contract[inputs.ParamActiveTo] = int32(calendars.MinDay), int32(calendars.MaxDay)
	for p, name := range names {
		text, ok := b.opt.Defaults[name]
		if !ok {
			continue
		}
		v, err := inputs.ParseInt(inputs.ParameterDef(name), text)
		if err != nil {
			return fmt.Errorf("defaults.%s: %w", name, err)
		}
		b.policy[p] = int32(v)
	}
	var rows []staged
	items, nodes, vendors := b.itemIDs.refs(), b.nodeIDs.refs(), b.nodeIDs.refs()
	err := b.each("parameters", func(t *inputs.Batch, n *inputs.Counts) error {
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			row, column, known := b.parameter(t, r, items, nodes, vendors)
			switch {
			case column != "":
				b.report.unknown(t, r, column)
			case !known:
				n.Filtered++ // a category or group that nothing has
			default:
				rows = append(rows, row)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.compileLevels(rows)
	return nil
}

// parameter reads one row; column names an id that is not known, known is false for a scope without members.
func (b *builder) parameter(t *inputs.Batch, r int, items, nodes, vendors *reference) (row staged, column string, known bool) {
	scope := t.Col("scope").Int(r, 0)
	row.scope = inputs.FromItemNode + inputs.Scope(scope)
	name := t.Col("name").Str(r)
	row.param = slices.Index(inputs.ParameterNames(), name)
	v, err := inputs.ParseInt(inputs.ParameterDef(name), t.Col("value").Str(r))
	if row.param < 0 || err != nil {
		return row, "value", false // validation lets neither through
	}
	row.value = int32(v)
	item, node, vendor := int32(0), int32(0), int32(0)
	switch scope {
	case inputs.ScopeItemNode, inputs.ScopeItem:
		if item = items.index(t.Col("item"), r); item < 0 {
			return row, "item", false
		}
	case inputs.ScopeCategoryNode, inputs.ScopeCategory:
		if item = b.categories.index(t.Col("category").Str(r)); item < 0 {
			return row, "", false
		}
	case inputs.ScopeGroup:
		if node = b.groups.index(t.Col("group").Str(r)); node < 0 {
			return row, "", false
		}
	case inputs.ScopeVendor:
		if vendor = vendors.index(t.Col("vendor"), r); vendor < 0 {
			return row, "vendor", false
		}
	}
	switch scope {
	case inputs.ScopeItemNode, inputs.ScopeCategoryNode, inputs.ScopeNode:
		if node = nodes.index(t.Col("node"), r); node < 0 {
			return row, "node", false
		}
	}
	switch scope {
	case inputs.ScopeItemNode, inputs.ScopeCategoryNode:
		row.key = key(item, node)
	case inputs.ScopeItem, inputs.ScopeCategory:
		row.key = uint64(item)
	case inputs.ScopeNode, inputs.ScopeGroup:
		row.key = uint64(node)
	case inputs.ScopeVendor:
		row.key = uint64(vendor)
	}
	return row, "", true
}

// compileLevels sorts the rows by parameter and scope and makes a level of each run.
func (b *builder) compileLevels(rows []staged) {
	slices.SortFunc(rows, func(x, y staged) int {
		return cmp.Or(cmp.Compare(x.param, y.param), cmp.Compare(x.scope, y.scope), cmp.Compare(x.key, y.key),
			cmp.Compare(x.value, y.value))
	})
	dense := map[inputs.Scope]int{
		inputs.FromItem: len(b.itemIDs.ids), inputs.FromCategory: len(b.categories.ids), inputs.FromNode: len(b.nodeIDs.ids),
		inputs.FromGroup: len(b.groups.ids), inputs.FromVendor: len(b.nodeIDs.ids), inputs.FromTenant: 1,
	}
	for lo := 0; lo < len(rows); {
		hi := lo
		for hi < len(rows) && rows[hi].param == rows[lo].param && rows[hi].scope == rows[lo].scope {
			hi++
		}
		l := level{scope: rows[lo].scope}
		if n, ok := dense[l.scope]; ok {
			l.wide = padNull(nil, n)
			for _, row := range rows[lo:hi] {
				l.wide[row.key] = row.value
			}
		} else {
			for _, row := range rows[lo:hi] {
				l.keys, l.vals = append(l.keys, row.key), append(l.vals, row.value)
			}
		}
		b.levels[rows[lo].param] = append(b.levels[rows[lo].param], l)
		lo = hi
	}
}

// find returns the level's value for a SKU, null when it has none.
func (l *level) find(u *subject) int32 {
	at := int32(0)
	switch l.scope {
	case inputs.FromItemNode:
		return l.pair(key(u.item, u.node))
	case inputs.FromCategoryNode:
		if u.category < 0 {
			return null
		}
		return l.pair(key(u.category, u.node))
	case inputs.FromItem:
		at = u.item
	case inputs.FromCategory:
		at = u.category
	case inputs.FromNode:
		at = u.node
	case inputs.FromGroup:
		at = u.group
	case inputs.FromVendor:
		at = u.vendor
	default: // the tenant's level has one entry
	}
	if at < 0 {
		return null
	}
	return l.wide[at]
}

func (l *level) pair(k uint64) int32 {
	if i, ok := slices.BinarySearch(l.keys, k); ok {
		return l.vals[i]
	}
	return null
}

// parameterValue is what SKUs have of a parameter: their own column where it is given, else one value for all, unless wider
// says otherwise.
type parameterValue struct {
	own    []int32 // by staged row, null where not given; nil: never
	varies bool    // a level, an item or a node may have another value
	value  int32
	scope  byte
}

// values prepares the parameters for the rows.
func (b *builder) values() []parameterValue {
	given := func(column []int32) bool { return slices.ContainsFunc(column, func(v int32) bool { return v != 0 }) }
	out := make([]parameterValue, inputs.NumParameters)
	for p := range out {
		x := &out[p]
		x.own, x.varies = b.staged[p], len(b.levels[p]) > 0
		switch p {
		case inputs.ParamPack:
			x.varies = x.varies || given(b.itemPack)
		case inputs.ParamLayer:
			x.varies = x.varies || given(b.itemLay)
		case inputs.ParamPallet:
			x.varies = x.varies || given(b.itemPal)
		case inputs.ParamRank:
			x.varies = x.varies || given(b.nodeRank)
		}
		x.value, x.scope = b.contract[p], byte(inputs.FromContract)
		if b.policy[p] != null {
			x.value, x.scope = b.policy[p], byte(inputs.FromPolicy)
		}
	}
	return out
}

// wider walks the cascade for a parameter of a SKU whose own column gives none: the parameters table from narrow to wide,
// the item's or node's column (0: not given), the policy, the contract.
func (b *builder) wider(p int, u *subject) (int32, inputs.Scope) {
	for i := range b.levels[p] {
		if v := b.levels[p][i].find(u); v != null {
			return v, b.levels[p][i].scope
		}
	}
	column := int32(0)
	switch p {
	case inputs.ParamPack:
		column = b.itemPack[u.item]
	case inputs.ParamLayer:
		column = b.itemLay[u.item]
	case inputs.ParamPallet:
		column = b.itemPal[u.item]
	case inputs.ParamRank:
		column = b.nodeRank[u.node]
	}
	if column != 0 {
		return column, inputs.FromColumn
	}
	if b.policy[p] != null {
		return b.policy[p], inputs.FromPolicy
	}
	return b.contract[p], inputs.FromContract
}
