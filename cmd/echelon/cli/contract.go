package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"echelon/inputs"
	"echelon/inputs/schema"
)

func (a *app) contractCommand() *cobra.Command {
	var format string
	names := inputs.TableNames()
	cmd := &cobra.Command{
		Use: "contract [TABLE]", Short: "The contract of an input table: columns, types, units, ranges, what null means", Args: upTo(1),
		Long: "Without a table: the list of tables (text), or every contract.\nTables: " + strings.Join(names, ", ") + ".",
		Example: `  echelon contract
  echelon contract forecasts
  echelon contract skus --format avro > skus.avsc
  echelon contract --format markdown > inputs.md`,
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(schema.Formats(), format) {
				return usagef("--format %q: want %s", format, strings.Join(schema.Formats(), ", "))
			}
			if len(args) == 0 {
				return a.contracts(format)
			}
			c := inputs.ContractOf(args[0])
			if c == nil {
				return usagef("no table %q; tables: %s", args[0], strings.Join(names, ", "))
			}
			return a.contract(c, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", strings.Join(schema.Formats(), ", "))
	return cmd
}

func (a *app) contract(c *inputs.Contract, format string) error {
	out, err := schema.Render(c, format)
	if err != nil {
		return err
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	_, err = a.out.Write(out)
	return err
}

// contracts lists the tables, or renders all of them.
func (a *app) contracts(format string) error {
	switch format {
	case "markdown":
		_, err := fmt.Fprint(a.out, schema.Page())
		return err
	case "text":
		g := grid{head: []string{"table", "version", "required", "key", "columns", "what it holds"}, right: []bool{false, true, false, false, true}}
		for _, c := range inputs.Contracts() {
			var keys []string
			for _, i := range c.Keys() {
				keys = append(keys, c.Columns[i].Name)
			}
			required := ""
			if c.Required {
				required = "yes"
			}
			doc, _, _ := strings.Cut(c.Doc, ". ")
			if !c.Used {
				doc += " (checked, not planned with yet)"
			}
			g.add(c.Table, fmt.Sprint(c.Version), required, strings.Join(keys, ", "), fmt.Sprint(len(c.Columns)), doc)
		}
		return g.text(a.out)
	}
	for _, c := range inputs.Contracts() {
		if err := a.contract(c, format); err != nil {
			return err
		}
	}
	return nil
}
