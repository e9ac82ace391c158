package decode

import (
	"fmt"
	"sort"
	"strings"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/feed"
)

// DefaultMaxValue is the size in bytes over which a value is quarantined.
const DefaultMaxValue = 16 << 20

// Options say what is decoded.
type Options struct {
	Tenant   string        // canonical topics are named <tenant>.in.<table>.v1
	Mapping  *feed.Mapping // nil: every table comes by its canonical topic
	HTTP     []string      // tables without a from in the mapping whose rows come by HTTP
	Registry Registry      // of Avro schemas; nil: none
	MaxValue int           // bytes of a value; 0: DefaultMaxValue
}

// Feeds is a mapping made ready: the origins, and which topic holds what. It is read only.
type Feeds struct {
	Origins []cdc.Origin

	origins  []*origin
	topics   map[string]*topic
	http     map[string]*origin // by table
	registry Registry
	maxValue int
}

// HeaderTable is the header of a record of the log behind HTTP that names its table.
const HeaderTable = "table"

// HeaderLog and HeaderOffset mark a record of a canonical topic that was written through from the log behind
// HTTP: they name the log and the record's offset there, so that it counts as the same record.
const (
	HeaderLog    = "echelon-log"
	HeaderOffset = "echelon-offset"
)

// SourceCanonical is the source of canonical topics that no mapping names.
const SourceCanonical = "in"

// CanonicalTopic is the topic of a table's canonical records.
func CanonicalTopic(tenant, table string) string { return tenant + ".in." + table + ".v1" }

// topic is what a topic holds.
type topic struct {
	name    string
	source  string
	format  string // "": canonical, JSON or Avro
	mark    markKind
	origins []*origin // of row topics
	http    *origin   // of a canonical topic: the origin of what was written through
}

type markKind uint8

const (
	noMark markKind = iota
	transactionMark
	heartbeatMark
)

// New makes feeds of a mapping. A wrong mapping is an *inputs.Refusal that names every fault.
func New(opt Options) (*Feeds, error) {
	f := &Feeds{topics: map[string]*topic{}, http: map[string]*origin{}, registry: opt.Registry, maxValue: opt.MaxValue}
	if f.maxValue <= 0 {
		f.maxValue = DefaultMaxValue
	}
	m := opt.Mapping
	if m == nil {
		m = &feed.Mapping{Version: 1}
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	byHTTP := map[string]bool{}
	var faults []string
	for _, table := range opt.HTTP {
		switch {
		case inputs.ContractOf(table) == nil:
			faults = append(faults, "no table "+inputs.Cut(table))
		case len(m.Tables[table].From) > 0:
			faults = append(faults, table+": the mapping says what feeds it: name source http there")
		}
		byHTTP[table] = true
	}
	for _, c := range inputs.Contracts() {
		from := m.Tables[c.Table].From
		if len(from) == 0 {
			from = []feed.OriginMapping{{Source: SourceCanonical, Topic: CanonicalTopic(opt.Tenant, c.Table), Rows: true}}
			if byHTTP[c.Table] {
				from[0].Source, from[0].Topic = feed.SourceHTTP, ""
			}
			if !byHTTP[c.Table] && opt.Tenant == "" {
				continue // no name for its topic
			}
		}
		for i := range from {
			o, err := newOrigin(c, &from[i], m.Sources[from[i].Source], len(from) == 1)
			if err != nil {
				faults = append(faults, fmt.Sprintf("%s.from[%d]: %v", c.Table, i, err))
				continue
			}
			f.add(o, opt.Tenant)
		}
	}
	for name, s := range m.Sources {
		f.mark(s.Transactions, name, s.Format, transactionMark)
		f.mark(s.Heartbeat, name, s.Format, heartbeatMark)
	}
	if len(faults) > 0 {
		sort.Strings(faults)
		return nil, &inputs.Refusal{Kind: "bad_mapping", Where: "change topics", Hint: strings.Join(faults, "; ")}
	}
	return f, nil
}

func (f *Feeds) mark(name, source, format string, kind markKind) {
	if name != "" {
		f.topics[name] = &topic{name: name, source: source, format: format, mark: kind}
	}
}

func (f *Feeds) add(o *origin, tenant string) {
	o.index = len(f.origins)
	for i := range f.origins {
		if f.Origins[i].Name == o.Name {
			o.Name += "+" + o.Contract.Table
		}
	}
	f.origins = append(f.origins, o)
	f.Origins = append(f.Origins, o.Origin)
	if o.Source == feed.SourceHTTP {
		f.http[o.Contract.Table] = o
		if tenant != "" {
			f.topicOf(CanonicalTopic(tenant, o.Contract.Table), SourceCanonical, "").http = o
		}
		return
	}
	t := f.topicOf(o.Topic, o.Source, o.format)
	t.origins = append(t.origins, o)
}

func (f *Feeds) topicOf(name, source, format string) *topic {
	t := f.topics[name]
	if t == nil {
		t = &topic{name: name, source: source, format: format}
		f.topics[name] = t
	}
	return t
}

// own gives the feeds with columns of their own: reading a value takes memory of its column, and that is of one
// goroutine.
func (f *Feeds) own() *Feeds {
	out := *f
	out.origins = make([]*origin, len(f.origins))
	out.topics, out.http = make(map[string]*topic, len(f.topics)), make(map[string]*origin, len(f.http))
	for i, o := range f.origins {
		out.origins[i] = o.own()
	}
	for name, t := range f.topics {
		mine := *t
		mine.origins = make([]*origin, len(t.origins))
		for i, o := range t.origins {
			mine.origins[i] = out.origins[o.index]
		}
		if t.http != nil {
			mine.http = out.origins[t.http.index]
		}
		out.topics[name] = &mine
	}
	for table, o := range f.http {
		out.http[table] = out.origins[o.index]
	}
	return &out
}

// Topics lists the topics to read, ascending; the log behind HTTP is not among them.
func (f *Feeds) Topics() []string {
	names := make([]string, 0, len(f.topics))
	for n := range f.topics {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Marks reports what a topic without rows is: "transactions", "heartbeat", or "" for topics with rows and topics
// that are not read.
func (f *Feeds) Marks(name string) string {
	if t := f.topics[name]; t != nil {
		switch t.mark {
		case transactionMark:
			return "transactions"
		case heartbeatMark:
			return "heartbeat"
		case noMark:
		}
	}
	return ""
}
