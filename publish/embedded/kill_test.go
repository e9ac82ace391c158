package embedded

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func endTxn(txnID string, id int64, epoch int16) *kmsg.EndTxnRequest {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = txnID, id, epoch, true
	return req
}

// victim commits transactions until it is killed, and says which ones were answered.
func victim(t *testing.T, dir string) {
	b, err := Start(Options{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	cl := client(t, b, kgo.TransactionalID("x"))
	for i := 0; ; i++ {
		value := os.Getenv("EMBEDDED_ROUND") + "." + fmt.Sprint(i)
		if err := transact(t.Context(), cl, value, kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		fmt.Println("answered", value)
	}
}

// killAfter reads what the victim says and kills it after so many answers.
func killAfter(t *testing.T, cmd *exec.Cmd, out io.Reader, n int, answered map[string]bool) {
	t.Helper()
	lines := bufio.NewScanner(out)
	seen := 0
	for lines.Scan() {
		v, ok := strings.CutPrefix(lines.Text(), "answered ")
		if !ok {
			continue
		}
		answered[v] = true
		if seen++; seen == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the victim ended by itself")
	}
	if seen < n {
		t.Fatalf("the victim died after %d of %d answers", seen, n)
	}
}
