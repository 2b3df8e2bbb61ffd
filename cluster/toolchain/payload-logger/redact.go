package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

const replacement = "[redacted]"

var errNotJSON = errors.New("neither JSON nor a stream of JSON")

// redact replaces what lies at the paths, in a JSON value or in every event of a stream of them.
//
// Fails where it cannot read the data: nothing of it may leave then. Of a stream that was cut off the last event is
// left out.
func redact(data []byte, paths []string, cut bool) ([]byte, error) {
	if streamed(data) {
		return redactStream(data, paths, cut)
	}
	return redactValue(data, paths)
}

func redactValue(data []byte, paths []string) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // a seed of 64 bits is no float
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errNotJSON
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errNotJSON
	}
	for _, path := range paths {
		value = hide(value, strings.Split(path, "."))
	}
	return json.Marshal(value)
}

func redactStream(data []byte, paths []string, cut bool) ([]byte, error) {
	lines := bytes.Split(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\n"))
	if cut {
		lines = lines[:len(lines)-1]
	}
	for number, line := range lines {
		text, isData := bytes.CutPrefix(line, []byte("data:"))
		text = bytes.TrimSpace(text)
		switch {
		case isData && (len(text) == 0 || string(text) == "[DONE]"), harmless(line):
		case isData:
			clean, err := redactValue(text, paths)
			if err != nil {
				return nil, err
			}
			lines[number] = append([]byte("data: "), clean...)
		case bytes.HasPrefix(line, []byte(":")):
			lines[number] = []byte(":") // a comment, which may say anything
		default:
			return nil, errNotJSON
		}
	}
	return bytes.Join(lines, []byte("\n")), nil
}

func harmless(line []byte) bool {
	for _, field := range []string{"event:", "id:", "retry:"} {
		if bytes.HasPrefix(line, []byte(field)) {
			return true
		}
	}
	return len(line) == 0
}

// hide walks through arrays, so that a path names fields alone.
func hide(value any, path []string) any {
	if list, ok := value.([]any); ok {
		for index := range list {
			list[index] = hide(list[index], path)
		}
		return list
	}
	if len(path) == 0 {
		return replacement
	}
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	for key := range object {
		if path[0] == "*" || path[0] == key {
			object[key] = hide(object[key], path[1:])
		}
	}
	return object
}
