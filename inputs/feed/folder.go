package feed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"echelon/inputs"
)

// Options says how a folder is read. The zero value reads it as it is.
type Options struct {
	Mapping    string             // mapping file; "": mapping.yaml of the folder, where there is one
	Base       string             // folder that increments are laid over; "": none
	BatchRows  int                // rows of a batch; 0: 16,384, which stay in the cache from decoding to building
	MaxFaults  int                // faults of a table kept for the report; 0: 20
	Quarantine func(inputs.Fault) // called once per quarantined row, from the goroutine that reads the table
	Trust      bool               // digests that the manifest lists are taken as they stand and not computed
}

// File is one file of the cut.
type File struct {
	Name   string // base name
	Table  string
	Bytes  int64
	SHA256 string // lower-case hex

	path   string
	format fileFormat
}

// Folder is an input folder that was taken up: an inputs.Source whose rows keep their contracts.
type Folder struct {
	dir     string
	opt     Options
	mapping *Mapping
	files   map[string][]File // per table, by name; base files first
	asOf    int64
	hasAsOf bool

	mu      sync.Mutex
	reports map[string]*TableReport
	told    map[string]int64 // per table: faults given to the callback
	notices []Notice
}

// Notice is something a person should know that refuses nothing.
type Notice struct {
	Kind  string // unknown_column, unknown_file, not_used_yet
	Where string
	Hint  string
}

type fileFormat uint8

const (
	formatParquet fileFormat = iota
	formatCSV
	formatCSVGzip
	formatJSONL
)

const (
	manifestName = "manifest.json"
	successName  = "_SUCCESS"
	mappingName  = "mapping.yaml"
)

// Open takes a folder up: it reads the mark, lists the files, checks them against the manifest and computes
// their digests. Rows are checked as they are read. A folder that cannot be taken is an *inputs.Refusal.
func Open(ctx context.Context, dir string, opt Options) (*Folder, error) {
	if opt.BatchRows <= 0 {
		opt.BatchRows = 1 << 14
	}
	if opt.MaxFaults <= 0 {
		opt.MaxFaults = 20
	}
	f := &Folder{dir: dir, opt: opt, files: map[string][]File{}, reports: map[string]*TableReport{}, told: map[string]int64{}}
	mappingPath := opt.Mapping
	if mappingPath == "" {
		if _, err := os.Stat(filepath.Join(dir, mappingName)); err == nil {
			mappingPath = filepath.Join(dir, mappingName)
		}
	}
	if mappingPath != "" {
		m, err := ReadMapping(mappingPath)
		if err != nil {
			return nil, err
		}
		f.mapping = m
	}
	if opt.Base != "" {
		base, _, err := f.take(ctx, opt.Base)
		if err != nil {
			return nil, err
		}
		f.add(base)
	}
	files, man, err := f.take(ctx, dir)
	if err != nil {
		return nil, err
	}
	if man != nil && man.AsOf != "" {
		at, err := inputs.ParseInt(&inputs.ColumnDef{Name: "as_of", Type: inputs.TypeInstant, Max: 1 << 62}, man.AsOf)
		if err != nil {
			return nil, &inputs.Refusal{Kind: "bad_manifest", Where: filepath.Join(dir, manifestName), Err: err}
		}
		f.asOf, f.hasAsOf = at, true
	}
	// a table that comes again without op replaces the base's
	for _, file := range files {
		if inc, err := f.increment(file); err != nil {
			return nil, err
		} else if !inc {
			f.files[file.Table] = nil
		}
	}
	f.add(files)
	return f, nil
}

func (f *Folder) add(files []File) {
	for _, file := range files {
		f.files[file.Table] = append(f.files[file.Table], file)
	}
}

// take lists a complete folder, checked against its manifest.
func (f *Folder) take(ctx context.Context, dir string) ([]File, *manifest, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, &inputs.Refusal{Kind: "no_folder", Where: dir, Hint: "name the folder that holds the input tables"}
		}
		return nil, nil, fmt.Errorf("read input folder %s: %w", dir, err)
	}
	var files []File
	marked, hasManifest := false, false
	for _, e := range entries {
		name := e.Name()
		switch {
		case temporary(name):
			return nil, nil, &inputs.Refusal{
				Kind: "half_written", Where: filepath.Join(dir, name),
				Hint: "a writer has not finished: wait for it, or delete what it left",
			}
		case name == manifestName:
			marked, hasManifest = true, true
			continue
		case name == successName:
			marked = true
			continue
		case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"):
			continue
		}
		got, err := f.classify(dir, e)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, got...)
	}
	if len(files) == 0 {
		return nil, nil, &inputs.Refusal{
			Kind: "empty_folder", Where: dir, Hint: "put tables there as <table>.parquet, .csv, .csv.gz or .jsonl",
		}
	}
	if !marked {
		return nil, nil, &inputs.Refusal{
			Kind: "half_written", Where: dir,
			Hint: "there is no manifest.json and no _SUCCESS: write an empty file _SUCCESS when every table is complete",
		}
	}
	var man *manifest
	if hasManifest {
		if man, err = readManifest(filepath.Join(dir, manifestName)); err != nil {
			return nil, nil, err
		}
	}
	return files, man, f.digest(ctx, dir, files, man)
}

// temporary reports whether a name is what a writer leaves while it is at work.
func temporary(name string) bool {
	if name == "_temporary" {
		return true
	}
	for _, suffix := range []string{".tmp", ".temp", ".part", ".partial", ".inprogress", ".crdownload", ".filepart"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// classify says which tables a file belongs to: by the mapping where it names files, else by the file's name.
func (f *Folder) classify(dir string, e fs.DirEntry) ([]File, error) {
	name := e.Name()
	fm, stem, isData := splitName(name)
	var files []File
	for _, c := range inputs.Contracts() {
		tm := f.mapping.table(c.Table)
		matched := false
		if tm != nil && len(tm.Files) > 0 {
			for _, pattern := range tm.Files {
				if ok, err := path.Match(pattern, name); err == nil && ok {
					matched = true
				}
			}
		} else {
			table, _, _ := strings.Cut(stem, ".")
			matched = isData && table == c.Table
		}
		if matched {
			files = append(files, File{Name: name, Table: c.Table, path: filepath.Join(dir, name), format: fm})
		}
	}
	switch {
	case len(files) > 0 && !isData:
		return nil, &inputs.Refusal{Kind: "unknown_format", Where: filepath.Join(dir, name), Hint: "tables are .parquet, .csv, .csv.gz or .jsonl"}
	case len(files) > 0 && !e.Type().IsRegular():
		return nil, &inputs.Refusal{Kind: "unknown_format", Where: filepath.Join(dir, name), Hint: "a table is a plain file, not a folder or link"}
	case len(files) > 0:
		return files, nil
	case isData || e.IsDir():
		table, _, _ := strings.Cut(stem, ".")
		hint := "tables are " + tableWords() + "; a mapping file can give other names"
		if near := nearestTable(table); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return nil, &inputs.Refusal{Kind: "unknown_table", Where: filepath.Join(dir, name), Hint: hint}
	}
	if name != mappingName {
		f.notice(Notice{Kind: "unknown_file", Where: filepath.Join(dir, name), Hint: "not a table: left alone"})
	}
	return nil, nil
}

func splitName(name string) (fm fileFormat, stem string, ok bool) {
	for _, s := range []struct {
		suffix string
		fm     fileFormat
	}{{".parquet", formatParquet}, {".csv", formatCSV}, {".csv.gz", formatCSVGzip}, {".jsonl", formatJSONL}} {
		if stem, found := strings.CutSuffix(name, s.suffix); found {
			return s.fm, stem, true
		}
	}
	return 0, name, false
}

// tableWords lists the tables for people.
func tableWords() string { return strings.Join(inputs.TableNames(), ", ") }

// nearestTable returns the table whose name differs least, "" when none is near.
func nearestTable(name string) string {
	table, distance := inputs.Nearest(name, inputs.TableNames())
	if distance > 3 {
		return ""
	}
	return table
}

func (f *Folder) notice(n Notice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, have := range f.notices {
		if have == n {
			return
		}
	}
	f.notices = append(f.notices, n)
	sort.Slice(f.notices, func(i, j int) bool {
		a, b := f.notices[i], f.notices[j]
		return a.Kind+"\x00"+a.Where < b.Kind+"\x00"+b.Where
	})
}

// Has implements inputs.Source.
func (f *Folder) Has(table string) bool { return len(f.files[table]) > 0 }

// AsOf returns the as-of instant that the manifest names, in microseconds.
func (f *Folder) AsOf() (int64, bool) { return f.asOf, f.hasAsOf }

// Files returns the files of the cut with their digests, by table and name.
func (f *Folder) Files() []File {
	var out []File
	for _, c := range inputs.Contracts() {
		out = append(out, f.files[c.Table]...)
	}
	return out
}
