package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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
