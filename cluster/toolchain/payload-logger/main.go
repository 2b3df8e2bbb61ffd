// Payload logging beside a model's engine: requests and answers pass through at once, copies of them become CloudEvents.
//
// Nothing that the sink does can hold up or change an answer: copies wait in a bounded memory, and what does not fit
// is dropped and counted. See docs/decisions/payload-logging.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	_ "golang.org/x/crypto/x509roots/fallback" // certificate authorities: the image has no others
)

const headerTimeout = 10 * time.Second // of a request's header, before which nothing is known of it

// paths is a flag that may be given several times.
type paths []string

func (p *paths) String() string { return strings.Join(*p, ",") }

func (p *paths) Set(path string) error {
	*p = append(*p, path)
	return nil
}

type options struct {
	listen, metrics     string
	engine, sink        string
	relay               bool
	model, namespace    string
	log                 string
	sample              float64
	redact              paths
	maxPayload, maxHeld int64
	linger, drain       time.Duration
}

func parse() (options, error) {
	var o options
	flag.StringVar(&o.listen, "listen", ":8081", "address that the model's Service sends to")
	flag.StringVar(&o.metrics, "metrics", ":9903", "address of /metrics and /healthz")
	flag.StringVar(&o.engine, "engine", "", "URL of the engine; not with -relay")
	flag.BoolVar(&o.relay, "relay", false, "take the events of KServe's own logger instead of requests")
	flag.StringVar(&o.sink, "sink", "", "URL that takes CloudEvents over HTTP (required)")
	flag.StringVar(&o.model, "model", "", "name of the model (required)")
	flag.StringVar(&o.namespace, "namespace", "", "namespace of the model (required)")
	flag.StringVar(&o.log, "log", "both", "what is logged: requests, responses or both")
	flag.Float64Var(&o.sample, "sample", 1, "share of the requests that is logged, 0 to 1; both or neither of a pair")
	flag.Var(&o.redact, "redact", "path of JSON fields to replace, `messages.content`; arrays are walked through, * is any key")
	flag.Int64Var(&o.maxPayload, "max-payload", 1<<20, "bytes of one payload, beyond which it is cut off")
	flag.Int64Var(&o.maxHeld, "max-held", 32<<20, "bytes of all payloads in memory, beyond which events are dropped")
	flag.DurationVar(&o.linger, "linger", 0, "how long requests are still taken after SIGTERM, for a pod whose engine ends at the same time")
	flag.DurationVar(&o.drain, "drain", 10*time.Second, "how long events may still be sent after the last answer")
	flag.Parse()
	return o, o.check()
}

func (o options) check() error {
	for name, value := range map[string]string{"sink": o.sink, "model": o.model, "namespace": o.namespace} {
		if value == "" {
			return fmt.Errorf("-%s is missing", name)
		}
	}
	if o.relay == (o.engine != "") {
		return errors.New("give either -engine URL or -relay")
	}
	if o.log != "requests" && o.log != "responses" && o.log != "both" {
		return fmt.Errorf("-log is %q: write requests, responses or both", o.log)
	}
	if o.sample < 0 || o.sample > 1 {
		return fmt.Errorf("-sample is %v: write a share from 0 to 1", o.sample)
	}
	for _, address := range []string{o.sink, o.engine} {
		if parsed, err := url.Parse(address); address != "" && (err != nil || parsed.Host == "" || !strings.HasPrefix(parsed.Scheme, "http")) {
			return fmt.Errorf("%q is no URL: write http://HOST:PORT/PATH", address)
		}
	}
	return nil
}

func main() {
	o, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "payload-logger:", err)
		os.Exit(2)
	}
	if err := run(o); err != nil {
		slog.Error("payload-logger ends", "error", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	outbox, err := newOutbox(o)
	if err != nil {
		return err
	}
	outbox.start()
	handler := relay(o, outbox)
	if !o.relay {
		handler = proxy(o, outbox)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout}
	side := &http.Server{Handler: sideDoor(), ReadHeaderTimeout: headerTimeout}
	failed := make(chan error, 2)
	listen := func(one *http.Server, address string) (net.Addr, error) {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		go func() { failed <- one.Serve(listener) }()
		return listener.Addr(), nil
	}
	address, err := listen(server, o.listen)
	if err != nil {
		return err
	}
	metrics, err := listen(side, o.metrics)
	if err != nil {
		return err
	}
	slog.Info("payload-logger listens", "address", address, "metrics", metrics, "model", o.model, "relay", o.relay, "log", o.log, "sample", o.sample)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop() // a second signal ends it at once
	time.Sleep(o.linger)
	ending, cancel := context.WithTimeout(context.Background(), o.drain)
	defer cancel()
	err = server.Shutdown(ending)
	outbox.finish(ending)
	return err
}

func sideDoor() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}
