package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

const bodyBytes = 65535 - 5 // what a stream takes before the server says more, without gRPC's head

// Job is one measurement: streams that are drained, calls that are made meanwhile, or either alone.
type Job struct {
	Address        string  `json:"address"`
	PIDs           []int   `json:"pids"` // whose processor time is reported: the server's
	TimeoutSeconds float64 `json:"timeout_seconds"`
	Watch          *Watch  `json:"watch"`
	Calls          *Calls  `json:"calls"`
}

// Watch opens streams and counts what they bring.
type Watch struct {
	Method      string `json:"method"`
	Request     []byte `json:"request"`
	HalfClose   bool   `json:"half_close"` // false where the server takes the end of requests for the end of the stream
	Streams     int    `json:"streams"`
	Connections int    `json:"connections"`
	Field       uint64 `json:"field"`      // the number of the repeated field of a response whose elements are counted
	KeyPrefix   string `json:"key_prefix"` // how the key begins by which an element is told to be of a call
	Hold        bool   `json:"hold"`       // wait for a line of input with the streams open
}

// Calls makes unary calls. The requests are series of so many, each made to its end; a worker takes every InFlight-th
// series, and makes one call at a time.
type Calls struct {
	Requests        []Request `json:"requests"`
	InFlight        int       `json:"in_flight"`
	Connections     int       `json:"connections"`
	Series          int       `json:"series"`
	Count           int       `json:"count"`            // at most so many; 0: no limit
	Seconds         float64   `json:"seconds"`          // for so long; 0: no limit
	IntervalSeconds float64   `json:"interval_seconds"` // 0: the next call as soon as one is answered
	Refusable       bool      `json:"refusable"`        // UNAVAILABLE is counted, and is no failure
}

// Request is one call. Changes says how many elements it brings to each stream.
type Request struct {
	Method  string `json:"method"`
	Body    []byte `json:"body"`
	Key     string `json:"key"`
	Changes int    `json:"changes"`
}

func readJob(line []byte) (Job, error) {
	var job Job
	if err := json.Unmarshal(line, &job); err != nil {
		return job, fmt.Errorf("the job: %w", err)
	}
	return job, job.check()
}

func (j *Job) check() error {
	if j.Watch != nil && (j.Watch.Streams < 1 || j.Watch.Connections < 1 || j.Watch.Field < 1) {
		return errors.New("watch: expected streams, connections and field of at least 1")
	}
	if c := j.Calls; c != nil && (c.InFlight < 1 || c.Series < 1 || len(c.Requests)%(c.InFlight*c.Series) != 0) {
		return errors.New("calls: expected a number of requests that in_flight times series divides")
	}
	if j.Calls != nil && (j.Calls.Connections < 1 || (j.Calls.Count == 0 && j.Calls.Seconds == 0)) {
		return errors.New("calls: expected connections of at least 1, and count or seconds")
	}
	for _, each := range j.bodies() {
		if len(each) > bodyBytes {
			return fmt.Errorf("a request has %d bytes: expected at most %d", len(each), bodyBytes)
		}
	}
	if j.Watch == nil && j.Calls == nil {
		return errors.New("expected watch, calls or both")
	}
	return nil
}

func (j *Job) bodies() [][]byte {
	var bodies [][]byte
	if j.Watch != nil {
		bodies = append(bodies, j.Watch.Request)
	}
	if j.Calls != nil {
		for _, each := range j.Calls.Requests {
			bodies = append(bodies, each.Body)
		}
	}
	return bodies
}
