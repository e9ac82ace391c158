package decode

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/feed"
)

func mapping(t testing.TB, text string) *feed.Mapping {
	t.Helper()
	m, err := feed.ParseMapping("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func feeds(t testing.TB, text string) *Feeds {
	t.Helper()
	return with(t, Options{Tenant: "acme", Mapping: mapping(t, text)})
}

func with(t testing.TB, opt Options) *Feeds {
	t.Helper()
	f, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// line writes a change for people.
func line(f *Feeds, ch *cdc.Change) string {
	var b strings.Builder
	name := ch.Source
	if ch.Origin != cdc.None {
		name = f.Origins[ch.Origin].Name
	}
	fmt.Fprintf(&b, "%s %s %d:%d", name, [...]string{"upsert", "delete", "truncate", "begin", "end", "heartbeat", "snapshot"}[ch.Op], ch.Position.Major, ch.Position.Minor)
	if ch.Initial {
		b.WriteString(" initial")
	}
	if ch.Tx != "" {
		b.WriteString(" tx " + ch.Tx)
	}
	if ch.Op == cdc.End {
		fmt.Fprintf(&b, " of %d", ch.Events)
	}
	for i := range ch.Cells {
		c := &ch.Cells[i]
		def := &f.Origins[ch.Origin].Contract.Columns[f.Origins[ch.Origin].Columns[i]]
		b.WriteString(" " + def.Name + "=")
		switch c.Kind {
		case cdc.Null:
			b.WriteString("null")
		case cdc.Int:
			b.WriteString(inputs.FormatInt(def, c.Int))
		case cdc.Text:
			b.Write(c.Text)
		case cdc.List:
			fmt.Fprint(&b, c.List)
		case cdc.Unchanged:
			b.WriteString("same")
		}
	}
	return b.String()
}

// lines decodes one record; a fault is a line too.
func lines(t testing.TB, f *Feeds, d *Decoder, r *cdc.Record) []string {
	t.Helper()
	var out []string
	err := d.Decode(r, func(ch *cdc.Change) error {
		out = append(out, line(f, ch))
		return nil
	})
	var fault *inputs.Fault
	switch {
	case errors.As(err, &fault):
		if len(out) > 0 {
			t.Errorf("a fault after %d changes: %v", len(out), fault)
		}
		out = append(out, fmt.Sprintf("%s %s", fault.Table, fault))
	case err != nil:
		t.Fatal(err)
	}
	return out
}

func record(topic, key, value string) *cdc.Record {
	r := &cdc.Record{Partition: cdc.Partition{Topic: topic, ID: 2}, Offset: 41, Time: 1}
	if key != "" {
		r.Key = []byte(key)
	}
	if value != "" {
		r.Value = []byte(value)
	}
	return r
}
