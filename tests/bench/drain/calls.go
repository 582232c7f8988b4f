package main

import (
	"fmt"
	"sync"
	"time"
)

const unavailable = 14 // gRPC's number of the status

// made is a call that was answered.
type made struct {
	request  int
	sent     int64
	answered int64
}

// caller makes the calls of a job.
type caller struct {
	job         *Calls
	connections []*connection
	deadline    int64
	finished    chan struct{}
	fail        func(error)

	mu      sync.Mutex
	issued  int
	flying  int
	stopped bool
	calls   []made
	refused []made
}

// worker is one of those that make calls; it is the receiver of its call's answer.
type worker struct {
	caller     *caller
	connection *connection
	series     int // which of all series it makes next or is making
	step       int // which call of it comes next
	request    int
	sent       int64
	answer     splitter
}

func newCaller(job *Calls, address string, fail func(error)) (*caller, error) {
	c := &caller{job: job, finished: make(chan struct{}), fail: fail}
	for range job.Connections {
		connection, err := dial(address)
		if err != nil {
			return nil, err
		}
		c.connections = append(c.connections, connection)
	}
	return c, nil
}

// begin starts making calls, and answers when the first was sent. `finished` is closed when all are answered.
func (c *caller) begin() int64 {
	begun := time.Now().UnixNano()
	c.deadline = begun + int64(c.job.Seconds*1e9)
	if c.job.IntervalSeconds > 0 {
		go c.pace()
		return begun
	}
	c.mu.Lock()
	c.flying++ // holds the end back until every worker has begun
	c.mu.Unlock()
	for number := range c.job.InFlight {
		each := &worker{caller: c, connection: c.connections[number%len(c.connections)], series: number}
		if err := each.call(); err != nil {
			c.fail(err)
		}
	}
	for _, connection := range c.connections {
		if err := connection.flush(); err != nil {
			c.fail(err)
		}
	}
	c.landed(nil, false)
	return begun
}

// pace makes a call at each interval, whether or not the one before is answered; what it is late with it makes at once.
func (c *caller) pace() {
	begun, interval := time.Now(), time.Duration(c.job.IntervalSeconds*1e9)
	c.mu.Lock()
	c.flying++
	c.mu.Unlock()
	for number := 0; number%c.job.Series != 0 || c.going(); number++ {
		series, step := number/c.job.Series, number%c.job.Series
		each := &worker{caller: c, connection: c.connections[number%len(c.connections)], series: series, step: step}
		if err := each.call(); err != nil {
			c.fail(err)
			return
		}
		if err := each.connection.flush(); err != nil {
			c.fail(err)
			return
		}
		if early := time.Until(begun.Add(time.Duration(number+1) * interval)); early > 0 {
			time.Sleep(early)
		}
	}
	c.landed(nil, false)
}

func (c *caller) going() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.over()
}

func (c *caller) over() bool {
	return (c.job.Count > 0 && c.issued >= c.job.Count) ||
		(c.job.Seconds > 0 && time.Now().UnixNano() >= c.deadline)
}

// takeOff counts a call in, unless no more are to be made; only the first of a series may be refused.
func (c *caller) takeOff(first bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first && c.over() {
		return false
	}
	c.issued++
	c.flying++
	return true
}

func (c *caller) landed(call *made, refused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case call != nil && refused:
		c.refused = append(c.refused, *call)
	case call != nil:
		c.calls = append(c.calls, *call)
	}
	c.flying--
	if c.flying == 0 && !c.stopped {
		c.stopped = true
		close(c.finished)
	}
}

func (w *worker) call() error {
	job := w.caller.job
	if !w.caller.takeOff(w.step == 0) {
		return nil
	}
	w.request = (w.series*job.Series + w.step) % len(job.Requests)
	if w.step++; w.step == job.Series {
		w.step, w.series = 0, w.series+job.InFlight
	}
	request := job.Requests[w.request]
	w.sent = time.Now().UnixNano()
	w.answer = splitter{field: 1}
	return w.connection.start(outgoing{w, request.Method, request.Body, true})
}

func (w *worker) data(_ int64, part []byte) error {
	_, err := w.answer.feed(part)
	return err
}

func (w *worker) ended(at int64, status int, message string) error {
	refused := status == unavailable && w.caller.job.Refusable
	if !refused && (status != 0 || w.answer.messages != 1) {
		return fmt.Errorf("%s was answered with status %d and %d messages: %s",
			w.caller.job.Requests[w.request].Method, status, w.answer.messages, message)
	}
	done := made{w.request, w.sent, at}
	if w.caller.job.IntervalSeconds == 0 {
		if err := w.call(); err != nil {
			return err
		}
	}
	w.caller.landed(&done, refused)
	return nil
}
