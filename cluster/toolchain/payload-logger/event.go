package main

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// The types and attributes of KServe's logger, so that one consumer understands both.
const (
	requestKind  = "request"
	responseKind = "response"
	typePrefix   = "org.kubeflow.serving.inference."
)

// record is one half of a pair on its way to the sink.
type record struct {
	kind        string
	id          string // of the pair
	time        time.Time
	contentType string
	encoding    string // of the content, as the header says it
	path        string
	requestID   string // the header x-request-id
	status      int    // of a response
	took        time.Duration
	aborted     bool // the answer broke off
	body        *payload
}

var seed = maphash.MakeSeed()

// sampled says whether a pair is logged: the same for both halves, however far apart they come.
func sampled(id string, share float64) bool {
	return share >= 1 || float64(maphash.String(seed, id)) < share*math.MaxUint64
}

// event is what the sink gets. Source and id together are unique, as CloudEvents demands; the id alone joins the pair.
func (r record) event(o options) (cloudevents.Event, error) {
	e := cloudevents.NewEvent(cloudevents.VersionV1)
	e.SetID(r.id)
	e.SetType(typePrefix + r.kind)
	e.SetSource(fmt.Sprintf("/namespaces/%s/models/%s/%ss", o.namespace, o.model, r.kind))
	e.SetTime(r.time)
	extensions := map[string]any{
		"inferenceservicename": o.model, "namespace": o.namespace, "component": "predictor",
		"path": r.path, "requestid": r.requestID, "contentencoding": r.encoding,
	}
	if r.kind == responseKind && r.status != 0 {
		extensions["statuscode"] = r.status
		extensions["durationms"] = int(r.took.Milliseconds())
	}
	for name, flag := range map[string]bool{"truncated": r.body.truncated, "aborted": r.aborted} {
		if flag {
			extensions[name] = true
		}
	}
	data, contentType, ok := r.content(o.redact)
	if !ok {
		extensions["withheld"] = true
		withheld.WithLabelValues(r.kind).Inc()
	}
	for name, value := range extensions {
		if value != "" {
			e.SetExtension(name, value)
		}
	}
	if len(data) == 0 {
		return e, nil
	}
	return e, e.SetData(contentType, data)
}

// content is the data as it may leave the pod, and false where none may.
func (r record) content(hidden []string) ([]byte, string, bool) {
	data := r.body.data
	contentType := r.contentType
	if streamed(data) {
		contentType = "text/event-stream" // KServe's logger gives a response the type of its request
	}
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	if len(hidden) == 0 || len(data) == 0 {
		return data, contentType, true
	}
	clean, err := redact(data, hidden, r.body.truncated || r.aborted)
	return clean, contentType, err == nil
}

func streamed(data []byte) bool {
	for _, start := range []string{"data:", "event:", ": ", "id:"} {
		if bytes.HasPrefix(data, []byte(start)) {
			return true
		}
	}
	return false
}
