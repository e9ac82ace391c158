package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"echelon/publish/cycle"
)

// progress shows how far stages are: bars on a terminal, elsewhere a plain line every few seconds, with
// what is done, the rate and the time left. It is safe for several goroutines.
type progress struct {
	w     io.Writer
	bars  *mpb.Progress // nil: plain lines
	every time.Duration
	now   func() time.Time

	mu     sync.Mutex
	ended  bool
	stages map[string]*stage
}

// stage is one step of the work.
type stage struct {
	name        string
	unit        string
	done, total int64 // total 0: unknown
	began, said time.Time
	bar         *mpb.Bar
}

// newProgress picks the form that fits the writer: bars only on a terminal and never when NO_COLOR or
// TERM=dumb ask for plain text.
func newProgress(w io.Writer) *progress {
	p := &progress{w: w, every: 3 * time.Second, now: time.Now, stages: map[string]*stage{}}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == "" {
		p.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithAutoRefresh())
	}
	return p
}

// at reports that a stage has done so many of total units (0: how many there are is not known).
func (p *progress) at(name, unit string, done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stages[name]
	if s == nil {
		s = &stage{name: name, unit: unit, began: p.now()}
		s.said = s.began
		p.stages[name] = s
		if p.bars != nil {
			s.bar = p.bars.AddBar(total, mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
				mpb.AppendDecorators(decor.CountersNoUnit("%d/%d "+unit+" "), decor.AverageSpeed(0, "%.0f/s "), decor.AverageETA(decor.ET_STYLE_GO)))
		}
	}
	s.done, s.total = done, total
	if s.bar != nil {
		s.bar.SetTotal(total, false)
		s.bar.SetCurrent(done)
		return
	}
	if now := p.now(); now.Sub(s.said) >= p.every {
		s.said = now
		fmt.Fprintln(p.w, s.line(now))
	}
}

// cycle listens to a cycle.
func (p *progress) cycle(e cycle.Event) {
	if e.Text != "" && e.Stage != "space" {
		p.say(e.Text)
	}
	unit := map[string]string{"skus": "SKUs", "dcs": "DCs"}[e.Unit]
	if unit != "" && e.Total > 0 {
		p.at(e.Stage, unit, e.Done, e.Total)
	}
	if e.Unit == "" && e.Stage != "" && e.Text == "" {
		p.began(e.Stage)
	}
	if e.Stage == "space" {
		p.say(fmt.Sprintf("up to %s will be written (%s free)", size(e.Done), size(e.Total)))
	}
}

// stageWords say what a stage of a cycle does, for those that take time.
var stageWords = map[string]string{
	"snapshot": "reading the inputs", "compare": "comparing the state with the topics", "plan": "planning and publishing",
}

// began says that a stage of a cycle begins.
func (p *progress) began(stage string) {
	if words := stageWords[stage]; words != "" {
		p.say(words)
	}
}

// say writes a line between the bars.
func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars != nil && !p.ended {
		_, _ = p.bars.Write([]byte(text + "\n")) // a line lost on a terminal is no fault
		return
	}
	fmt.Fprintln(p.w, text)
}

// line is the plain form: "plan  1,200,000 of 10,000,000 SKUs  640,000/s  14s left".
func (s *stage) line(now time.Time) string {
	text := fmt.Sprintf("%-8s %s", s.name, thousands(s.done))
	if s.total > 0 {
		text += " of " + thousands(s.total)
	}
	text += " " + s.unit
	spent := now.Sub(s.began).Seconds()
	if spent <= 0 || s.done == 0 {
		return text
	}
	rate := float64(s.done) / spent
	text += fmt.Sprintf("  %s/s", thousands(int64(rate)))
	if s.total > s.done {
		left := time.Duration(float64(s.total-s.done) / rate * float64(time.Second))
		text += "  " + left.Round(time.Second).String() + " left"
	}
	return text
}

// end completes the bars and leaves the terminal in order.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars == nil || p.ended {
		return
	}
	p.ended = true
	for _, s := range p.stages {
		s.bar.SetTotal(s.done, true)
	}
	p.bars.Wait()
}
