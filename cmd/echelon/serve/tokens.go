package serve

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// tokens are the bearer tokens of one tenant: a file with one token a line, read anew when it changes, so
// that a rotated token counts at once. Lines that begin with # are comments.
type tokens struct {
	file string

	mu      sync.Mutex
	changed time.Time
	size    int64
	sums    [][sha256.Size]byte
}

// minToken is the length below which a token can be guessed.
const minToken = 16

// load reads the file; it must have at least one token and be nobody else's business.
func (t *tokens) load() error {
	info, err := os.Stat(t.file)
	if err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("tokens: %s can be read by everybody: chmod o-rwx", t.file)
	}
	raw, err := os.ReadFile(t.file)
	if err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	var sums [][sha256.Size]byte
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(line) < minToken {
			return fmt.Errorf("tokens: %s: a token shorter than %d characters", t.file, minToken)
		}
		sums = append(sums, sha256.Sum256([]byte(line)))
	}
	if len(sums) == 0 {
		return fmt.Errorf("tokens: %s holds none", t.file)
	}
	t.changed, t.size, t.sums = info.ModTime(), info.Size(), sums
	return nil
}

// accept reports whether a token is one of the file's. While the file cannot be read the last ones count.
func (t *tokens) accept(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if info, err := os.Stat(t.file); err == nil && (info.ModTime() != t.changed || info.Size() != t.size) {
		_ = t.load() // a file that is wrong changes nothing
	}
	sum := sha256.Sum256([]byte(token))
	found := 0
	for i := range t.sums {
		found |= subtle.ConstantTimeCompare(sum[:], t.sums[i][:])
	}
	return found == 1
}
