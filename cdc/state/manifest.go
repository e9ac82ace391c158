package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"echelon/cdc"
	"echelon/inputs"
)

// layoutVersion is that of checkpoints. A reader takes exactly this one.
const layoutVersion = 1

const manifestName = "manifest.json"

// manifest is what a checkpoint says of itself. It is written last.
type manifest struct {
	Layout     int             `json:"layout"`
	Tenant     string          `json:"tenant"`
	Contracts  map[string]int  `json:"contracts"` // table → version
	Number     uint64          `json:"number"`
	Partitions []partitionNote `json:"partitions"`
	Origins    []originNote    `json:"origins"`
	Sources    []sourceNote    `json:"sources"`
	Tables     []tableNote     `json:"tables"`
	Ranks      windowNote      `json:"ranks"`
	Events     windowNote      `json:"events"`
	Files      []fileEntry     `json:"files"`
}

// windowNote is the room that a window has, and where it goes on making room in it.
type windowNote struct {
	Room int `json:"room"`
	Hand int `json:"hand"`
}

type fileEntry struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

type rankNote struct {
	Major uint64 `json:"major"`
	Minor uint64 `json:"minor"` // twice the position's, and 1 for a streamed change
}

type partitionNote struct {
	Topic  string              `json:"topic"`
	ID     int32               `json:"id"`
	Next   int64               `json:"next"`
	Last   Fate                `json:"last"`
	Counts inputs.Counts       `json:"counts"`
	High   map[string]rankNote `json:"high"` // origin → newest rank
}

type originNote struct {
	Name      string   `json:"name"`
	Floor     rankNote `json:"floor"`
	Truncated rankNote `json:"truncated"`
}

type sourceNote struct {
	Source string   `json:"source"`
	High   rankNote `json:"high"`
	At     int64    `json:"at"`
	Told   int64    `json:"told,omitempty"`
}

type tableNote struct {
	Table string `json:"table"`
	At    int64  `json:"at"`
}

func note(r rank) rankNote { return rankNote{r.major, r.minor} }

func (n rankNote) rank() rank { return rank{n.Major, n.Minor} }

// sealed is the file: the manifest and its digest.
type sealed struct {
	SHA256   string    `json:"sha256"`
	Manifest *manifest `json:"manifest"`
}

func (m *manifest) encode() ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	out, err := json.MarshalIndent(&sealed{SHA256: hex.EncodeToString(sum[:]), Manifest: m}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}

// readManifest takes a manifest only when it is byte for byte what encode writes, and of this tenant, layout and
// contracts.
func readManifest(dir, tenant string) (*manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("half written: it has no " + manifestName)
	}
	if err != nil {
		return nil, err
	}
	var s sealed
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", manifestName, err)
	}
	m := s.Manifest
	if m == nil {
		return nil, fmt.Errorf("%s is damaged: no manifest in it", manifestName)
	}
	again, err := m.encode()
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(again, data):
		return nil, fmt.Errorf("%s is damaged: its digest does not fit", manifestName)
	case m.Layout != layoutVersion:
		return nil, fmt.Errorf("layout %d, this engine reads %d", m.Layout, layoutVersion)
	case m.Tenant != tenant:
		return nil, fmt.Errorf("it is of tenant %q, not %q", m.Tenant, tenant)
	}
	for _, c := range inputs.Contracts() {
		if m.Contracts[c.Table] != c.Version {
			return nil, fmt.Errorf("contract %s version %d, this engine has %d", c.Table, m.Contracts[c.Table], c.Version)
		}
	}
	return m, nil
}

// whole demands that every file has the size and the digest that the manifest says.
func (m *manifest) whole(dir string, stop func() error) error {
	for i := range m.Files {
		e := &m.Files[i]
		if filepath.Base(e.File) != e.File {
			return fmt.Errorf("%s is damaged: %q is no file name", manifestName, e.File)
		}
		if err := e.check(filepath.Join(dir, e.File), stop); err != nil {
			return fmt.Errorf("file %s: %w", e.File, err)
		}
	}
	return nil
}

func (e *fileEntry) check(path string, stop func() error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	d := &digester{hash: sha256.New()}
	buf := make([]byte, 1<<20)
	for {
		if err := stop(); err != nil {
			return err
		}
		n, err := f.Read(buf)
		_, _ = d.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if d.bytes != e.Bytes {
		return fmt.Errorf("it has %d bytes, the manifest says %d", d.bytes, e.Bytes)
	}
	if hex.EncodeToString(d.hash.Sum(nil)) != e.SHA256 {
		return errors.New("its bytes are not those that were written")
	}
	return nil
}

type digester struct {
	hash  hash.Hash
	bytes int64
}

func (d *digester) Write(p []byte) (int, error) {
	d.bytes += int64(len(p))
	return d.hash.Write(p)
}

// noted is the part of the state that the manifest holds.
func (s *State) noted(number uint64) *manifest {
	m := &manifest{Layout: layoutVersion, Tenant: s.cfg.Tenant, Contracts: map[string]int{}, Number: number}
	for _, c := range inputs.Contracts() {
		m.Contracts[c.Table] = c.Version
	}
	for _, part := range sortedParts(s.parts) {
		p := s.parts[part]
		if p.counts.Read == 0 {
			continue
		}
		n := partitionNote{Topic: part.Topic, ID: part.ID, Next: p.next, Last: p.last, Counts: p.counts, High: map[string]rankNote{}}
		for i, r := range p.high {
			if r != (rank{}) {
				n.High[s.origins[i].Name] = note(r)
			}
		}
		m.Partitions = append(m.Partitions, n)
	}
	for i := range s.origins {
		o := &s.origins[i]
		m.Origins = append(m.Origins, originNote{o.Name, note(o.floor), note(o.truncated)})
	}
	for _, p := range s.positions() {
		m.Sources = append(m.Sources, sourceNote{p.Source, note(s.sources[p.Source].high), p.At, s.sources[p.Source].told})
	}
	for _, t := range s.tables {
		m.Tables = append(m.Tables, tableNote{t.contract.Table, t.at})
	}
	return m
}

// recall is the way back.
func (s *State) recall(m *manifest) {
	at := map[string]int{}
	for i := range s.origins {
		at[s.origins[i].Name] = i
	}
	for _, n := range m.Partitions {
		p := s.partition(cdc.Partition{Topic: n.Topic, ID: n.ID})
		p.next, p.last, p.counts = n.Next, n.Last, n.Counts
		for name, r := range n.High {
			if i, ok := at[name]; ok {
				p.high[i] = r.rank()
			}
		}
	}
	for _, n := range m.Origins {
		if i, ok := at[n.Name]; ok {
			s.origins[i].floor, s.origins[i].truncated = n.Floor.rank(), n.Truncated.rank()
		}
	}
	for _, n := range m.Sources {
		s.sources[n.Source] = &source{high: n.High.rank(), at: n.At, told: n.Told}
	}
	for _, n := range m.Tables {
		for _, t := range s.tables {
			if t.contract.Table == n.Table {
				t.at = n.At
			}
		}
	}
}
