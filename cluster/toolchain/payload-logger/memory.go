package main

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	sent = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "payload_logger_events_sent_total", Help: "Events that the sink has taken.",
	}, []string{"kind"})
	dropped = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "payload_logger_events_dropped_total", Help: "Events that were not delivered: no memory left, the sink did not take them, or the pod ended.",
	}, []string{"kind", "reason"})
	withheld = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "payload_logger_payloads_withheld_total", Help: "Events sent without data, because it could not be redacted.",
	}, []string{"kind"})
	held = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "payload_logger_held_bytes", Help: "Payloads in memory.",
	})
)

// A series that is not there yet looks like one that nobody asks for.
func init() {
	for _, kind := range []string{requestKind, responseKind} {
		sent.WithLabelValues(kind)
		withheld.WithLabelValues(kind)
		for _, reason := range []string{noMemory, noSink, atEnd} {
			dropped.WithLabelValues(kind, reason)
		}
	}
}

// budget is the memory that all payloads share.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take reserves bytes, or says that there is no room for them.
func (b *budget) take(size int64) bool {
	if b.used.Add(size) > b.limit {
		b.give(size)
		return false
	}
	held.Add(float64(size))
	return true
}

func (b *budget) release(size int64) {
	held.Sub(float64(size))
	b.give(size)
}

func (b *budget) give(size int64) { b.used.Add(-size) }

// payload is a copy of a body, as far as its limit and the memory go.
type payload struct {
	memory    *budget
	limit     int64
	data      []byte
	truncated bool // at the limit
	lost      bool // for want of memory
	reserved  int64
}

const grain = 4 << 10 // bytes reserved at once

// Write keeps what it can and never fails: it stands beside an answer.
func (p *payload) Write(part []byte) (int, error) {
	whole := len(part)
	if p.lost || p.truncated {
		return whole, nil
	}
	if room := p.limit - int64(len(p.data)); int64(whole) > room {
		part, p.truncated = part[:room], true
	}
	if missing := int64(len(p.data)+len(part)) - p.reserved; missing > 0 {
		wanted := (missing + grain - 1) / grain * grain
		if !p.memory.take(wanted) {
			p.lost = true
			p.free()
			return whole, nil
		}
		p.reserved += wanted
	}
	p.data = append(p.data, part...)
	return whole, nil
}

// free gives the memory back; the payload is empty afterwards.
func (p *payload) free() {
	p.memory.release(p.reserved)
	p.data, p.reserved = nil, 0
}
