package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/fixtures/generate"
	"echelon/inputs"
	"echelon/inputs/feed"
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

var generateFormats = []string{"parquet", "csv", "jsonl", "snapshot"}

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

// config is the network that the flags ask for.
func (f *generateFlags) config() (generate.Config, error) {
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
	if c.Dirty > 0 && f.format == "snapshot" {
		errs = append(errs, errors.New("--dirty: a snapshot has no dirty rows; use another --format"))
	}
	if err := errors.Join(errs...); err != nil {
		return c, &usageError{err}
	}
	filled, err := c.Filled()
	if err != nil {
		return c, &usageError{err}
	}
	return filled, nil
}

// generate makes the folder whole or not at all: it is written under another name and renamed.
func (a *app) generate(ctx context.Context, f generateFlags) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(f.out); err == nil && len(entries) > 0 {
		return usagef("--out %s is not empty: name another folder, or remove it", f.out)
	}
	net, err := generate.New(cfg)
	if err != nil {
		return &usageError{err}
	}
	out := filepath.Clean(f.out)
	if err := a.room(generatedBytes(cfg, f.format), out); err != nil {
		return err
	}
	p := newProgress(a.err)
	defer p.end()
	began := time.Now()
	if f.format == "snapshot" {
		if err := os.Remove(out); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("generate: %w", err)
		}
		err = writeSnapshot(ctx, net, out, p)
	} else {
		err = writeTables(ctx, net, out, f.format, p)
	}
	if err != nil {
		return fullDisk(out, err)
	}
	p.end()
	fmt.Fprintf(a.err, "%s SKUs of %d items in %d stores and %d DCs, from %d vendors, %d days, in %s (%s)\n", thousands(cfg.SKUs), cfg.Items,
		cfg.DCs*cfg.StoresPerDC, net.Partitions(), cfg.Vendors, cfg.Days, out, time.Since(began).Round(time.Millisecond))
	fmt.Fprintf(a.err, "next: echelon run --inputs %s\n", out)
	return nil
}

// generatedBytes is an upper guess of what the folder will take.
func generatedBytes(cfg generate.Config, format string) int64 {
	perSKU := map[string]int64{"parquet": 60, "csv": 420, "jsonl": 700}[format]
	if format == "snapshot" {
		return store.EstimateRows(cfg.SKUs, cfg.Days)
	}
	return cfg.SKUs * perSKU * int64(cfg.Days+20) / 48
}

// room says what will be written and refuses when the disk has less.
func (a *app) room(need int64, dir string) error {
	free, err := disk.OS{}.Free(dir)
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

// writeTables writes every table as one file, then the manifest.
func writeTables(ctx context.Context, net *generate.Net, out, format string, p *progress) (err error) {
	cfg := net.Config()
	tmp := out + ".partial"
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	for _, table := range net.Tables() {
		total := int64(0)
		if slices.Contains([]string{"skus", "inventory", "forecasts"}, table) {
			total = cfg.SKUs
		}
		if err := writeTable(ctx, net, filepath.Join(tmp, table+"."+format), table, func(rows int64) {
			p.at(table, "rows", rows, max(total, rows))
		}); err != nil {
			return fmt.Errorf("generate %s: %w", table, err)
		}
	}
	asOf := time.UnixMicro(cfg.AsOf).UTC().Format(time.RFC3339Nano)
	if err := feed.WriteManifest(ctx, tmp, asOf); err != nil {
		return fmt.Errorf("generate manifest: %w", err)
	}
	return disk.PublishDir(disk.OS{}, tmp, out)
}

func writeTable(ctx context.Context, net *generate.Net, name, table string, rows func(int64)) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var w feed.TableWriter
	switch filepath.Ext(name) {
	case ".csv":
		w = feed.NewCSVWriter(file, feed.WriteOptions{})
	case ".jsonl":
		w = feed.NewJSONLWriter(file, feed.WriteOptions{})
	default:
		w = feed.NewParquetWriter(file, feed.WriteOptions{})
	}
	r, err := net.Source().Open(ctx, table)
	if err != nil {
		return err
	}
	defer closing(r)
	spoil := newSpoiler(net.Config(), table)
	var done int64
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			if done == 0 { // a table without rows has no file
				return os.Remove(name)
			}
			return w.Close()
		}
		if err != nil {
			return err
		}
		if err := w.Write(spoil.batch(b)); err != nil {
			return err
		}
		done += int64(b.Rows)
		rows(done)
	}
}

// writeSnapshot writes the network as a snapshot, without a way through tables.
func writeSnapshot(ctx context.Context, net *generate.Net, out string, p *progress) error {
	w, err := store.Create(out)
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	err = func() error {
		shared, err := net.Network(ctx)
		if err != nil {
			return err
		}
		if err := w.Network(shared); err != nil {
			return err
		}
		var done int64
		for dc := range net.Partitions() {
			part, err := net.Partition(ctx, dc)
			if err != nil {
				return err
			}
			if err := w.Add(store.NameOf(shared, part.DC), part); err != nil {
				return err
			}
			done += int64(part.Live)
			p.at("snapshot", "SKUs", done, net.Config().SKUs)
		}
		cut := map[string]string{"generated": fmt.Sprintf("%+v", net.Config())}
		_, err = w.Close(cut, []store.TableCounts{store.CountsOf("skus", inputs.Counts{Read: done, Applied: done})})
		return err
	}()
	if err != nil {
		return errors.Join(fmt.Errorf("generate snapshot: %w", err), w.Abort())
	}
	return nil
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
