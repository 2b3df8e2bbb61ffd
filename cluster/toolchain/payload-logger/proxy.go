package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

const longest = 128 // characters of a request's own id

// proxy passes everything on, each part as it comes, and puts copies of requests and answers into the outbox.
func proxy(o options, b *outbox) http.Handler {
	engine, _ := url.Parse(o.engine)
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(engine)
			r.Out.Host = r.In.Host
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				r.Out.Header[name] = r.In.Header[name] // what the gateway says is the engine's to know
			}
			r.Out.Header.Del("Accept-Encoding") // the copy must be readable
		},
		// An engine closes idle connections as it likes, and a request that meets the closing is lost. To 127.0.0.1 a
		// new one costs next to nothing.
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		FlushInterval: -1,
		ErrorHandler:  unreachable,
		ErrorLog:      slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = &steadyBody{ReadCloser: r.Body, missing: r.ContentLength, closed: make(chan struct{})}
		id := uuid.NewString()
		if !logged(r) || !sampled(id, o.sample) {
			forward.ServeHTTP(w, r)
			return
		}
		pair := newPair(id, r, b)
		defer pair.end()
		if pair.request != nil {
			r.Body = pair.request
		}
		if pair.response != nil {
			w = pair.response.beside(w)
		}
		forward.ServeHTTP(w, r)
		pair.whole = true
	})
}

// logged says whether a request asks a model for something; lists, probes and pages do not.
func logged(r *http.Request) bool {
	return r.Method == http.MethodPost && r.Header.Get("Upgrade") == ""
}

// unreachable answers for an engine that does not: at once, in the shape of OpenAI's errors.
func unreachable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		slog.Warn("the engine did not answer", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadGateway)
	message := map[string]any{"message": "The model is not reachable at the moment.", "type": "server_error", "param": nil, "code": "model_unavailable"}
	_ = json.NewEncoder(w).Encode(map[string]any{"error": message})
}

// pair is one request and its answer while they pass.
type pair struct {
	outbox   *outbox
	request  *copiedBody
	response *copiedAnswer
	shared   record
	whole    bool // the answer ended, it did not break off
}

func newPair(id string, r *http.Request, b *outbox) *pair {
	p := &pair{outbox: b, shared: record{
		id: id, time: time.Now(), path: r.URL.EscapedPath(), requestID: printable(r.Header.Get("X-Request-Id")),
	}}
	if b.options.log != "responses" {
		half := p.shared
		half.kind, half.body = requestKind, b.payload()
		half.contentType, half.encoding = r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding")
		p.request = &copiedBody{ReadCloser: r.Body, copy: half, outbox: b}
		if r.ContentLength == 0 {
			p.request.end(false)
		}
	}
	if b.options.log != "requests" {
		p.response = &copiedAnswer{body: b.payload()}
	}
	return p
}

// end puts in what is not in yet. It runs however the answer ended.
func (p *pair) end() {
	if p.request != nil {
		p.request.end(true)
	}
	if p.response == nil {
		return
	}
	half, answer := p.shared, p.response
	half.kind, half.body = responseKind, answer.body
	half.status, half.time, half.took = answer.status, time.Now(), time.Since(half.time)
	half.contentType, half.encoding = answer.header.Get("Content-Type"), answer.header.Get("Content-Encoding")
	half.aborted = !p.whole
	p.outbox.put(half)
}

// steadyBody is a request's body that does not fail while its answer passes.
//
// Go's server closes the body as soon as the answer begins, after it has read and thrown away what is left of it. Go's
// transport, which may still have a look at the body, takes the closing, or an end that comes too early, for a failure
// and cuts the answer off: 1 of 1000 on a busy machine. So that look waits.
type steadyBody struct {
	io.ReadCloser
	missing int64 // bytes that were announced and not read yet; negative where none were announced
	ended   atomic.Bool
	close   sync.Once
	closed  chan struct{} // by the reverse proxy, after the answer
}

func (s *steadyBody) Read(part []byte) (int, error) {
	if s.ended.Load() {
		return 0, io.EOF
	}
	size, err := s.ReadCloser.Read(part)
	s.missing -= int64(size)
	switch {
	case err == nil:
	case err == io.EOF && s.missing <= 0:
		s.ended.Store(true)
	default:
		<-s.closed
	}
	return size, err
}

func (s *steadyBody) Close() error {
	s.close.Do(func() { close(s.closed) })
	return s.ReadCloser.Close()
}

// copiedBody is a request's body; its copy is in the outbox as soon as the engine has read the whole.
type copiedBody struct {
	io.ReadCloser
	outbox *outbox

	lock sync.Mutex // the transport may still read when the answer is there
	copy record
	done bool
}

func (c *copiedBody) Read(part []byte) (int, error) {
	size, err := c.ReadCloser.Read(part)
	c.keep(part[:size])
	if err == io.EOF {
		c.end(false)
	}
	return size, err
}

func (c *copiedBody) keep(part []byte) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if !c.done {
		_, _ = c.copy.body.Write(part)
	}
}

// end puts the copy into the outbox, once; `early` where the engine did not want to read the whole.
func (c *copiedBody) end(early bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if !c.done {
		c.done = true
		c.copy.aborted = early
		c.outbox.put(c.copy)
	}
}

// copiedAnswer is what is kept of an answer.
type copiedAnswer struct {
	body   *payload
	status int
	header http.Header
}

func (c *copiedAnswer) beside(w http.ResponseWriter) http.ResponseWriter {
	c.header = w.Header()
	return &copyingWriter{ResponseWriter: w, copy: c}
}

// copyingWriter passes an answer on, each part before its copy.
type copyingWriter struct {
	http.ResponseWriter
	copy *copiedAnswer
}

func (c *copyingWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		c.copy.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *copyingWriter) Write(part []byte) (int, error) {
	size, err := c.ResponseWriter.Write(part)
	_, _ = c.copy.body.Write(part[:size])
	return size, err
}

// Unwrap lets the reverse proxy flush.
func (c *copyingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// printable is an id that a header of the event can carry.
func printable(id string) string {
	if len(id) > longest || strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' }) {
		return ""
	}
	return id
}
