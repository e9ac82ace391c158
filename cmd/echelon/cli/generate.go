package cli

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/fixtures/generate"
	"echelon/inputs/store"
	"echelon/publish/disk"
	"echelon/publish/outcome"
)

// generateFlags are the flags of `generate`.
type generateFlags struct {
	cfg           generate.Config
	scarce, dirty string
	asOf          string
	out, format   string
}

var generateFormats = []string{string(generate.Parquet), string(generate.CSV), string(generate.JSONL), string(generate.Snapshot)}

// csvPerSKU is an upper guess of the bytes that the tables take as CSV, by SKU, with 28 days of forecast.
const csvPerSKU = 420

func (a *app) generateCommand() *cobra.Command {
	var f generateFlags
	cmd := &cobra.Command{
		Use: "generate", Short: "A seeded network to plan", Args: exactly(0),
		Long: "Makes the tables of a seeded network, DC by DC: the same flags give the same rows. What the network is like\n" +
			"stands in the documentation of fixtures/generate. Counts that are not given follow from --skus.",
		Example: `  echelon generate --skus 1000000 --out /data/one-million
  echelon generate --skus 20000 --dcs 2 --stores-per-dc 10 --dirty 1% --format csv --out /tmp/dirty
  echelon generate --skus 10000000 --format snapshot --out /data/ten-million`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.generate(cmd.Context(), f) },
	}
	fs := cmd.Flags()
	fs.Int64Var(&f.cfg.SKUs, "skus", 100_000, "rows in all")
	fs.IntVar(&f.cfg.DCs, "dcs", 0, "regional DCs; from two on a national one stands above them")
	fs.IntVar(&f.cfg.StoresPerDC, "stores-per-dc", 0, "stores of each regional DC")
	fs.IntVar(&f.cfg.Items, "items", 0, "items")
	fs.IntVar(&f.cfg.Vendors, "vendors", 0, "vendors")
	fs.IntVar(&f.cfg.Days, "days", 28, "days of forecast, 14 to 91")
	fs.StringVar(&f.scarce, "scarce", "5%", "share of DC items with less stock than their stores need")
	fs.StringVar(&f.dirty, "dirty", "0%", "share of rows that break their contract on purpose (tables only)")
	fs.Uint64Var(&f.cfg.Seed, "seed", 0, "another seed, another network")
	fs.StringVar(&f.asOf, "as-of", "", "as-of instant of the network, RFC 3339 (default 2026-11-21T08:00:00Z)")
	fs.StringVar(&f.cfg.Tenant, "tenant", "default", "tenant (of a snapshot)")
	fs.StringVar(&f.out, "out", "", "folder to make; it must not exist yet, or be empty")
	fs.StringVar(&f.format, "format", "parquet", strings.Join(generateFormats, ", "))
	return cmd
}

// net is the network that the flags ask for.
func (f *generateFlags) net() (*generate.Net, error) {
	c := f.cfg
	var errs []error
	var err error
	if c.Scarce, err = thousandths("scarce", f.scarce); err != nil {
		errs = append(errs, err)
	} else if c.Scarce == 0 {
		c.Scarce = -1 // none
	}
	if c.Dirty, err = thousandths("dirty", f.dirty); err != nil {
		errs = append(errs, err)
	}
	if f.asOf != "" {
		if c.AsOf, err = instantOf("as-of", f.asOf); err != nil {
			errs = append(errs, err)
		}
	}
	if f.out == "" {
		errs = append(errs, errors.New("--out: name the folder to make"))
	}
	if !slices.Contains(generateFormats, f.format) {
		errs = append(errs, fmt.Errorf("--format %q: want %s", f.format, strings.Join(generateFormats, ", ")))
	}
	if c.Dirty > 0 && generate.Format(f.format) == generate.Snapshot {
		errs = append(errs, errors.New("--dirty: a snapshot has no dirty rows; use another --format"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &usageError{err}
	}
	net, err := generate.New(c)
	if err != nil {
		return nil, &usageError{err}
	}
	return net, nil
}

// generate makes the folder that the flags ask for.
func (a *app) generate(ctx context.Context, f generateFlags) error {
	net, err := f.net()
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(f.out); err == nil && len(entries) > 0 {
		return usagef("--out %s is not empty: name another folder, or remove it", f.out)
	}
	began := time.Now()
	out := filepath.Clean(f.out)
	w, err := a.write(ctx, net, out, generate.Format(f.format))
	if err != nil {
		return err
	}
	cfg := net.Config()
	fmt.Fprintf(a.err, "%s SKUs of %d items in %d stores and %d DCs, from %d vendors, %d days, in %s (%s)\n", thousands(cfg.SKUs), cfg.Items,
		cfg.DCs*cfg.StoresPerDC, net.Partitions(), cfg.Vendors, cfg.Days, out, time.Since(began).Round(time.Millisecond))
	var wrong int64
	for _, n := range w.Dirty {
		wrong += n
	}
	if wrong > 0 {
		fmt.Fprintf(a.err, "and %s rows that are wrong on purpose\n", thousands(wrong))
	}
	fmt.Fprintf(a.err, "next: echelon run --inputs %s\n", out)
	return nil
}

// write makes the folder of a network, whole or not at all; it says first what it will take and shows how far it is.
func (a *app) write(ctx context.Context, net *generate.Net, out string, format generate.Format) (*generate.Written, error) {
	cfg := net.Config()
	if err := a.room(generatedBytes(cfg, format), out); err != nil {
		return nil, err
	}
	p := newProgress(a.err)
	defer p.end()
	w, err := net.Write(ctx, out, format, func(at generate.Progress) {
		switch at.Stage {
		case "snapshot":
			p.at(at.Stage, "SKUs", at.Rows, cfg.SKUs)
		case "skus", "inventory", "forecasts": // a row a SKU
			p.at(at.Stage, "rows", at.Rows, max(cfg.SKUs, at.Rows))
		default:
			p.at(at.Stage, "rows", at.Rows, at.Rows)
		}
	})
	if err != nil {
		return nil, fullDisk(out, err)
	}
	return w, nil
}

// generatedBytes is an upper guess of what the folder will take.
func generatedBytes(cfg generate.Config, format generate.Format) int64 {
	if format == generate.Snapshot {
		return store.EstimateRows(cfg.SKUs, cfg.Days)
	}
	perSKU := map[generate.Format]int64{generate.Parquet: 60, generate.CSV: csvPerSKU, generate.JSONL: 700}[format]
	perSKU += (csvPerSKU*int64(cfg.Dirty) + 999) / 1000 // wrong rows are CSV whatever the format
	return cfg.SKUs * perSKU * int64(cfg.Days+20) / 48
}

// room says what will be written and refuses when the disk has less.
func (a *app) room(need int64, dir string) error {
	var on disk.FS = disk.OS{}
	if a.fs != nil {
		on = a.fs
	}
	free, err := on.Free(dir)
	if err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	if need > free {
		return outcome.New(outcome.CodeAgain, "disk_full", dir, "make room, or name a folder on another disk",
			"about %s will be written and %s are free", size(need), size(free))
	}
	if need >= 1<<30 {
		fmt.Fprintf(a.err, "about %s will be written to %s (%s free)\n", size(need), dir, size(free))
	}
	return nil
}

// fullDisk classifies a write that found no room.
func fullDisk(dir string, err error) error {
	if disk.IsFull(err) {
		return outcome.New(outcome.CodeAgain, "disk_full", dir, "make room and run it again", "%w", err)
	}
	return err
}

// size writes bytes for people.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, i := float64(n), 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// thousandths reads a share, "5%" or "0.05", exactly.
func thousandths(flag, text string) (int, error) {
	number, percent := strings.CutSuffix(text, "%")
	r, ok := new(big.Rat).SetString(number)
	if ok && percent {
		r.Quo(r, big.NewRat(100, 1))
	}
	if !ok || r.Sign() < 0 || r.Cmp(big.NewRat(1, 1)) > 0 {
		return 0, fmt.Errorf("--%s %q: want a share from 0%% to 100%%", flag, text)
	}
	r.Mul(r, big.NewRat(1000, 1))
	if !r.IsInt() {
		return 0, fmt.Errorf("--%s %q: want at most one decimal of a percent", flag, text)
	}
	return int(r.Num().Int64()), nil
}

// instantOf reads an instant with its offset, in microseconds UTC.
func instantOf(flag, text string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("--%s %q: want an instant with its offset, such as 2026-11-21T02:00:00-06:00", flag, text)
	}
	return t.UnixMicro(), nil
}
