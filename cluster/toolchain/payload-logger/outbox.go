package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

const (
	senders      = 8                      // events on their way to the sink at once
	waiting      = 10_000                 // events in the queue; their payloads are bounded by memory
	sinkTimeout  = 5 * time.Second        // of one attempt
	firstBackoff = 250 * time.Millisecond // doubled after each attempt that failed
	attempts     = 5
	complainOnce = 10 * time.Second // between two lines about the sink
	keyVariable  = "PAYLOAD_SINK_AUTHORIZATION"
)

// Why an event is dropped.
const (
	noMemory = "memory"
	noSink   = "sink"
	atEnd    = "end"
)

// outbox holds the records that are to be sent. Putting one in never waits.
type outbox struct {
	options  options
	client   cloudevents.Client
	memory   *budget
	queue    chan record
	ending   chan struct{}
	running  sync.WaitGroup
	stopping context.Context
	stop     context.CancelFunc
	silent   atomic.Int64 // until when, in Unix nanoseconds
}

func newOutbox(o options) (*outbox, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = senders
	choices := []cehttp.Option{
		cehttp.WithTarget(o.sink),
		cehttp.WithClient(http.Client{Transport: transport, Timeout: sinkTimeout}),
	}
	if key := os.Getenv(keyVariable); key != "" {
		choices = append(choices, cehttp.WithHeader("Authorization", key))
	}
	protocol, err := cehttp.New(choices...)
	if err != nil {
		return nil, err
	}
	client, err := cloudevents.NewClient(protocol)
	if err != nil {
		return nil, err
	}
	stopping, stop := context.WithCancel(context.Background())
	return &outbox{
		options: o, client: client, memory: &budget{limit: o.maxHeld},
		queue: make(chan record, waiting), ending: make(chan struct{}), stopping: stopping, stop: stop,
	}, nil
}

// payload is a new copy to write a body to.
func (b *outbox) payload() *payload { return &payload{memory: b.memory, limit: b.options.maxPayload} }

// put takes the record over, and drops it where there is no room.
func (b *outbox) put(r record) {
	if r.body.lost {
		b.drop(r, noMemory)
		return
	}
	select {
	case b.queue <- r:
	default:
		b.drop(r, noMemory)
	}
}

func (b *outbox) drop(r record, reason string) {
	dropped.WithLabelValues(r.kind, reason).Inc()
	r.body.free()
}

func (b *outbox) start() {
	for range senders {
		b.running.Go(b.work)
	}
}

// work sends until the end, and then what is in the queue.
func (b *outbox) work() {
	for {
		select {
		case r := <-b.queue:
			b.send(r)
			continue
		default:
		}
		select {
		case r := <-b.queue:
			b.send(r)
		case <-b.ending:
			return
		}
	}
}

// finish sends what is left, as long as the context allows.
func (b *outbox) finish(ctx context.Context) {
	close(b.ending)
	release := context.AfterFunc(ctx, b.stop)
	defer release()
	b.running.Wait()
}

func (b *outbox) send(r record) {
	if b.stopping.Err() != nil {
		b.drop(r, atEnd)
		return
	}
	e, err := r.event(b.options)
	if err == nil {
		err = b.deliver(e)
	}
	if err != nil {
		b.complain(err)
		b.drop(r, noSink)
		return
	}
	sent.WithLabelValues(r.kind).Inc()
	r.body.free()
}

// deliver tries again what a sink that restarts, or is overloaded, did not take.
func (b *outbox) deliver(e cloudevents.Event) error {
	pause := firstBackoff
	for attempt := 1; ; attempt++ {
		result := b.client.Send(cloudevents.WithEncodingBinary(b.stopping), e)
		if cloudevents.IsACK(result) {
			return nil
		}
		if attempt == attempts || refused(result) {
			return result
		}
		select {
		case <-time.After(pause):
		case <-b.stopping.Done():
			return result
		}
		pause *= 2
	}
}

// refused says that the sink will not take this event however often it is sent.
func refused(result error) bool {
	var answer *cehttp.Result
	if !cloudevents.ResultAs(result, &answer) {
		return false
	}
	code := answer.StatusCode
	return code >= 400 && code < 500 && code != http.StatusRequestTimeout && code != http.StatusTooManyRequests
}

// complain writes one line in a while: a sink that is down for a night must not fill the node's disk.
func (b *outbox) complain(err error) {
	now := time.Now().UnixNano()
	if until := b.silent.Load(); now >= until && b.silent.CompareAndSwap(until, now+int64(complainOnce)) {
		slog.Warn("the sink did not take an event, which is dropped", "sink", b.options.sink, "error", err)
	}
}
