package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"echelon/inputs"
)

// manifest is manifest.json of an input folder: what belongs to it. Fields that a writer leaves out are not
// checked; a file that it does not list does not belong to the folder.
type manifest struct {
	AsOf  string         `json:"as_of,omitempty"` // RFC 3339: the instant the extracts stand for
	Files []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Bytes  *int64 `json:"bytes,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

const maxManifest = 16 << 20

func readManifest(name string) (*manifest, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", name, err)
	}
	var m manifest
	if len(data) > maxManifest {
		return nil, &inputs.Refusal{Kind: "bad_manifest", Where: name, Hint: "it has more than 16 MiB"}
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, &inputs.Refusal{Kind: "bad_manifest", Where: name, Hint: "write it again, or write _SUCCESS instead", Err: err}
	}
	for _, file := range m.Files {
		if file.Name == "" || file.Name != filepath.Base(file.Name) || strings.ContainsAny(file.Name, `/\`) {
			return nil, &inputs.Refusal{Kind: "bad_manifest", Where: name, Hint: fmt.Sprintf("%q is not the name of a file of this folder", inputs.Cut(file.Name))}
		}
	}
	return &m, nil
}

// digest fills size and SHA-256 of the files and compares them with the manifest.
func (f *Folder) digest(ctx context.Context, dir string, files []File, man *manifest) error {
	listed := map[string]manifestFile{}
	there := map[string]bool{}
	if man != nil {
		for _, m := range man.Files {
			listed[m.Name] = m
		}
	}
	sums := map[string]string{}
	for i := range files {
		file := &files[i]
		there[file.Name] = true
		info, err := os.Stat(file.path)
		if err != nil {
			return fmt.Errorf("input file: %w", err)
		}
		file.Bytes = info.Size()
		m, ok := listed[file.Name]
		if man != nil && len(man.Files) > 0 && !ok {
			return &inputs.Refusal{
				Kind: "not_listed", Where: file.path,
				Hint: "the manifest does not list it: list it, or take it out of the folder",
			}
		}
		if m.Bytes != nil && *m.Bytes != file.Bytes {
			return &inputs.Refusal{
				Kind: "half_written", Where: file.path,
				Hint: fmt.Sprintf("it has %d bytes and the manifest says %d: write or copy it again", file.Bytes, *m.Bytes),
			}
		}
		if f.opt.Trust && len(m.SHA256) == 64 {
			file.SHA256 = strings.ToLower(m.SHA256)
			continue
		}
		if sums[file.Name] == "" {
			if sums[file.Name], err = hashFile(ctx, file.path); err != nil {
				return err
			}
		}
		file.SHA256 = sums[file.Name]
		if m.SHA256 != "" && !strings.EqualFold(m.SHA256, file.SHA256) {
			return &inputs.Refusal{
				Kind: "digest_mismatch", Where: file.path,
				Hint: "its SHA-256 is not the one in the manifest: write or copy it again",
			}
		}
	}
	if man == nil {
		return nil
	}
	for _, m := range man.Files {
		if there[m.Name] {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, m.Name)); err != nil {
			return &inputs.Refusal{
				Kind: "half_written", Where: filepath.Join(dir, m.Name), Hint: "the manifest lists it and it is not there: write or copy it",
			}
		}
	}
	return nil
}

func hashFile(ctx context.Context, name string) (string, error) {
	r, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("open input file: %w", err)
	}
	defer r.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", fmt.Errorf("read input file %s: %w", name, err)
		}
	}
}

// WriteManifest completes a folder: it lists every table file with size and digest, and takes its place by
// rename. asOf is RFC 3339 or "".
func WriteManifest(ctx context.Context, dir, asOf string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	m := manifest{AsOf: asOf, Files: []manifestFile{}}
	for _, e := range entries {
		if _, _, data := splitName(e.Name()); !data || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("manifest of %s: %w", dir, err)
		}
		sum, err := hashFile(ctx, filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		size := info.Size()
		m.Files = append(m.Files, manifestFile{Name: e.Name(), Bytes: &size, SHA256: sum})
	}
	sort.Slice(m.Files, func(i, j int) bool { return m.Files[i].Name < m.Files[j].Name })
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest of %s: %w", dir, err)
	}
	tmp := filepath.Join(dir, "."+manifestName+".tmp")
	if err := writeSynced(tmp, append(data, '\n')); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, manifestName)); err != nil {
		return fmt.Errorf("complete %s: %w", dir, err)
	}
	return nil
}

func writeSynced(name string, data []byte) error {
	w, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if _, err = w.Write(data); err == nil {
		err = w.Sync()
	}
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write manifest %s: %w", name, err)
	}
	return nil
}
