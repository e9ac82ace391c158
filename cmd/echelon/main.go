// Command echelon plans replenishment: what each node of a retailer's network orders, from whom, how much
// and on which day.
//
//	echelon run --example     a first plan on generated data
//	echelon help              every command
package main

import (
	"context"
	"os"

	"echelon/cmd/echelon/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
