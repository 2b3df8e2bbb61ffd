package main

import (
	"io"
	"net/http"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// relay is the sink of KServe's own logger in the same pod: it answers at once, whatever becomes of the event.
//
// KServe's logger (0.19) waits for its sink without end, and holds in memory what waits.
func relay(o options, b *outbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := b.payload()
		_, err := io.Copy(body, r.Body)
		half, isEvent := announced(r)
		half.body = body
		switch {
		case !isEvent || err != nil:
			body.free()
			http.Error(w, "no CloudEvent of an inference", http.StatusBadRequest)
			return
		case !sampled(half.id, o.sample) || (o.log != "both" && o.log != half.kind+"s"):
			body.free()
		default:
			b.put(half)
		}
		w.WriteHeader(http.StatusOK)
	})
}

// announced is the record that an event in binary mode announces. Its body is read apart, into the bounded memory.
func announced(r *http.Request) (record, bool) {
	header := r.Clone(r.Context())
	header.Body, header.ContentLength = http.NoBody, 0
	e, err := cehttp.NewEventFromHTTPRequest(header)
	if err != nil {
		return record{}, false
	}
	kind, known := strings.CutPrefix(e.Type(), typePrefix)
	if !known || (kind != requestKind && kind != responseKind) {
		return record{}, false
	}
	return record{kind: kind, id: e.ID(), time: moment(e), contentType: r.Header.Get("Content-Type")}, true
}

func moment(e *cloudevents.Event) time.Time {
	if e.Time().IsZero() {
		return time.Now()
	}
	return e.Time()
}
