package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// readBandwidth measures how many bytes a second so many goroutines read together, from memory far larger than any
// cache: the best of five passes over 512 MiB. A limit for what a core may take in, of the same run and machine.
func readBandwidth(workers int) float64 {
	const words = 64 << 20
	data := make([]uint64, words)
	for i := range data {
		data[i] = uint64(i)
	}
	var best float64
	for range 5 {
		began := time.Now()
		var wg sync.WaitGroup
		sums := make([]uint64, workers)
		for w := range workers {
			wg.Go(func() { sums[w] = sum(data[w*words/workers : (w+1)*words/workers]) })
		}
		wg.Wait()
		for _, s := range sums {
			read.Add(s)
		}
		best = max(best, words*8/time.Since(began).Seconds())
	}
	return best
}

// read keeps the compiler from dropping what is read.
var read atomic.Uint64

// sum reads every word in eight streams of additions, so that additions do not wait for each other.
func sum(data []uint64) uint64 {
	var s [8]uint64
	for ; len(data) >= 8; data = data[8:] {
		x := (*[8]uint64)(data)
		s[0] += x[0]
		s[1] += x[1]
		s[2] += x[2]
		s[3] += x[3]
		s[4] += x[4]
		s[5] += x[5]
		s[6] += x[6]
		s[7] += x[7]
	}
	return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7]
}
