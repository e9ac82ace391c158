package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// laterCommands are named in the interface and come with later versions. They refuse with exit 64, so that
// a script learns at once and not by a plan that lacks something.
func laterCommands() []*cobra.Command {
	var cmds []*cobra.Command
	for name, does := range map[string]string{
		"capture": "one cycle of some items, anonymised, as a scenario",
	} {
		cmds = append(cmds, &cobra.Command{
			Use: name, Short: does + " (not in this version)", Hidden: true, DisableFlagParsing: true,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return usagef("%s is not there yet in this version", cmd.CommandPath())
			},
		})
	}
	return cmds
}

// laterFlags declares flags that later versions follow, so that they are refused by name.
func laterFlags(fs *pflag.FlagSet, names ...string) {
	for _, n := range names {
		fs.String(n, "", "not in this version")
		if n == "full" || n == "early" || n == "next" {
			fs.Lookup(n).NoOptDefVal = "true"
		}
		fs.Lookup(n).Hidden = true
	}
}

// refuseLater refuses the first of these flags that was given.
func refuseLater(cmd *cobra.Command, names ...string) error {
	for _, n := range names {
		if f := cmd.Flags().Lookup(n); f != nil && f.Changed {
			return usagef("--%s is not there yet in this version", n)
		}
	}
	return nil
}
