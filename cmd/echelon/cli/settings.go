package cli

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// settings fills the flags that were not given on the command line: from the environment (ECHELON_ and the
// flag's name in capitals, dashes as underscores), else from the settings file. The file may hold keys of
// other commands' flags; a key that no command has is refused.
func (a *app) settings(cmd *cobra.Command) error {
	path := a.config
	if path == "" {
		path = os.Getenv("ECHELON_CONFIG")
	}
	k := koanf.New("\x00") // no nesting: keys are flag names
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return &usageError{fmt.Errorf("settings file %s: %w", path, err)}
		}
		if err := knownFlags(cmd.Root(), k.Keys()); err != nil {
			return &usageError{fmt.Errorf("settings file %s: %w", path, err)}
		}
	}
	var fault error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "config" || f.Name == "help" || fault != nil {
			return
		}
		name := "ECHELON_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := os.LookupEnv(name); ok {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				fault = usagef("%s=%q: %w", name, v, err)
			}
			return
		}
		if k.Exists(f.Name) {
			v := fmt.Sprint(k.Get(f.Name))
			if list, ok := k.Get(f.Name).([]any); ok {
				words := make([]string, len(list))
				for i, w := range list {
					words[i] = fmt.Sprint(w)
				}
				v = strings.Join(words, ",")
			}
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				fault = usagef("settings file %s: %s: %w", path, f.Name, err)
			}
		}
	})
	return fault
}

// knownFlags refuses keys that are no flag of any command.
func knownFlags(root *cobra.Command, keys []string) error {
	flags := map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { flags[f.Name] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	sort.Strings(keys)
	for _, k := range keys {
		if !flags[k] {
			return fmt.Errorf("unknown key %q: keys are the names of flags", k)
		}
	}
	return nil
}
