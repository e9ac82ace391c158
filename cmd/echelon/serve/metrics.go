package serve

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"echelon/cdc/ingest"
	"echelon/publish/cycle"
)

// metrics is what /metrics tells. Names and labels are stable.
type metrics struct {
	svc      *Service
	registry *prometheus.Registry

	cycles      *prometheus.CounterVec   // tenant, why, state
	snapshots   *prometheus.CounterVec   // tenant, how
	stages      *prometheus.HistogramVec // tenant, stage
	lastCycle   *prometheus.GaugeVec     // tenant
	planned     *prometheus.GaugeVec     // tenant
	checkpoints *prometheus.HistogramVec // tenant
	rows        *prometheus.CounterVec   // tenant, result
	floors      *prometheus.GaugeVec     // tenant
}

// Descriptions of what is asked of the followers at each scrape.
var (
	lag       = describe("feed_lag_offsets", "Offsets between what is in the state and the end of the partition.", "topic", "partition")
	held      = describe("feed_held_records", "Records that wait for open source transactions.")
	readTotal = describe("feed_records_read_total", "Records read since the follower began.")
	applied   = describe("feed_records_applied_total", "Records applied since the follower began; its rate is the apply rate.")
	poison    = describe("feed_records_quarantined_total", "Records that could not be decoded since the follower began.")
	fresh     = describe("feed_freshness_seconds", "Age of the newest sign of life of a table's feeds.", "table")
	stalls    = describe("feed_stalled", "1 for each thing that holds a feed up.", "kind", "where", "name")
	following = describe("feed_following", "1 while the feeds are followed.")
	through   = describe("http_log_unwritten_rows", "Rows that came by HTTP and are not written through to Kafka yet.")
	queued    = describe("cycles_waiting", "Cycles that wait.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("echelon_"+name, help, append([]string{"tenant"}, labels...), nil)
}

func newMetrics(s *Service) *metrics {
	seconds := []float64{.01, .05, .1, .5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "echelon_" + name, Help: help}, append([]string{"tenant"}, labels...))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "echelon_" + name, Help: help}, []string{"tenant"})
	}
	m := &metrics{
		svc: s, registry: prometheus.NewRegistry(),
		cycles:    counter("cycles_total", "Cycles that ended.", "why", "state"),
		snapshots: counter("snapshots_total", "Snapshots of cycles: patched, or full (built of all rows).", "how"),
		lastCycle: gauge("cycle_last_end_timestamp_seconds", "When the last cycle ended."),
		planned:   gauge("cycle_planned_skus", "SKUs that the last cycle planned."),
		rows:      counter("http_rows_total", "Rows that came by HTTP: taken, repeated, refused, failed.", "result"),
		floors:    gauge("skus_fell_under_floor", "SKUs that fell under their floor since the last cycle."),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "echelon_cycle_stage_seconds", Help: "How long the stages of cycles took; total is the whole cycle.", Buckets: seconds,
		}, []string{"tenant", "stage"}),
		checkpoints: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "echelon_checkpoint_seconds", Help: "How long checkpoints took.", Buckets: seconds,
		}, []string{"tenant"}),
	}
	m.registry.MustRegister(m.cycles, m.snapshots, m.stages, m.lastCycle, m.planned, m.checkpoints, m.rows, m.floors, feedCollector{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second, MaxRequestsInFlight: 4})
}

func (m *metrics) cycle(tenant, why string, r *cycle.Result) {
	m.cycles.WithLabelValues(tenant, why, r.State).Inc()
	switch {
	case r.Made == nil: // it stood, or nothing came of it
	case r.Made.Full != "":
		m.snapshots.WithLabelValues(tenant, "full").Inc()
	default:
		m.snapshots.WithLabelValues(tenant, "patched").Inc()
	}
	m.lastCycle.WithLabelValues(tenant).Set(float64(m.svc.opt.Clock.Now().Unix()))
	m.planned.WithLabelValues(tenant).Set(float64(r.Coverage.Planned))
	for stage, ms := range r.Timings {
		m.stages.WithLabelValues(tenant, stage).Observe(float64(ms) / 1000)
	}
}

func (m *metrics) checkpoint(tenant string, took time.Duration) {
	m.checkpoints.WithLabelValues(tenant).Observe(took.Seconds())
}

func (m *metrics) took(tenant string, r ingest.Receipt, faults int, err error) {
	switch {
	case err != nil:
		m.rows.WithLabelValues(tenant, "failed").Inc()
	case faults > 0:
		m.rows.WithLabelValues(tenant, "refused").Add(float64(faults))
	case r.Repeated:
		m.rows.WithLabelValues(tenant, "repeated").Add(float64(r.Rows))
	default:
		m.rows.WithLabelValues(tenant, "taken").Add(float64(r.Rows))
	}
}

func (m *metrics) floor(tenant string, _, fell int) {
	m.floors.WithLabelValues(tenant).Set(float64(fell))
}

// feedCollector asks the followers.
type feedCollector struct{ svc *Service }

// Describe implements prometheus.Collector.
func (feedCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lag, held, readTotal, applied, poison, fresh, stalls, following, through, queued} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c feedCollector) Collect(to chan<- prometheus.Metric) {
	for name, t := range c.svc.tenants {
		gauge := func(d *prometheus.Desc, v float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{name}, labels...)...)
		}
		count := func(d *prometheus.Desc, v int64) {
			to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), name)
		}
		t.mu.Lock()
		n := len(t.waiting)
		t.mu.Unlock()
		gauge(queued, float64(n))
		if log := t.feeds.Log(); log != nil {
			gauge(through, float64(log.End()-log.Through()))
		}
		s, ok := t.feeds.Status()
		if !ok {
			gauge(following, 0)
			continue
		}
		gauge(following, 1)
		for _, p := range s.Partitions {
			gauge(lag, float64(p.Lag()), p.Partition.Topic, fmt.Sprint(p.Partition.ID))
		}
		gauge(held, float64(s.Held))
		count(readTotal, s.Read)
		count(applied, s.Applied)
		count(poison, s.Quarantined)
		now := c.svc.opt.Clock.Now()
		for table, at := range t.feeds.Alive() {
			gauge(fresh, now.Sub(time.UnixMicro(at)).Seconds(), table)
		}
		told := map[string]bool{}
		for _, x := range s.Stalls {
			if key := x.Kind + "\x00" + x.Where + "\x00" + x.Name; !told[key] {
				told[key] = true
				gauge(stalls, 1, x.Kind, x.Where, x.Name)
			}
		}
	}
}
