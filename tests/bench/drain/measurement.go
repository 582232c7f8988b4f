package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

const pollInterval = 2 * time.Millisecond

// measurement is a job under way.
type measurement struct {
	job     Job
	failed  chan error
	timeout <-chan time.Time
	result  Result
	watches *watches
	caller  *caller
	begun   int64
}

func (m *measurement) fail(err error) {
	select {
	case m.failed <- err:
	default: // the first failure is the one that is told
	}
}

// wait returns when `until` is closed or told, or with why it never will be.
func wait[T any](m *measurement, until <-chan T, doing string) (T, error) {
	var none T
	select {
	case told := <-until:
		return told, nil
	case err := <-m.failed:
		return none, err
	case <-m.timeout:
		return none, fmt.Errorf("%s took longer than %g s", doing, m.job.TimeoutSeconds)
	}
}

// open opens the streams; it returns when each has had its first message.
func (m *measurement) open() error {
	if m.job.Watch == nil {
		return nil
	}
	begun, last := time.Now().UnixNano(), int64(0)
	watches, first, err := openWatches(m.job.Watch, m.job.Address, m.fail)
	if err != nil {
		return err
	}
	m.watches = watches
	m.observe(watches.connections)
	for range m.job.Watch.Streams {
		at, err := wait(m, first, "opening the streams")
		if err != nil {
			return err
		}
		last = max(last, at)
	}
	m.result.OpenedSeconds = float64(last-begun) / 1e9
	return nil
}

// observe has the end of a connection end the measurement.
func (m *measurement) observe(connections []*connection) {
	for _, each := range connections {
		go func() {
			<-each.ended
			if each.err != nil {
				m.fail(each.err)
			}
		}()
	}
}

// hold tells that the streams are open, and returns when there is a line of input, or its end.
func (m *measurement) hold(input *bufio.Reader) error {
	if err := json.NewEncoder(os.Stdout).Encode(m.result); err != nil {
		return err
	}
	told := make(chan struct{})
	go func() {
		_, _ = input.ReadBytes('\n') // its end says the same
		close(told)
	}()
	_, err := wait(m, told, "holding the streams")
	return err
}

// call makes the calls; it returns when all are answered, and all they bring is delivered.
func (m *measurement) call() error {
	caller, err := newCaller(m.job.Calls, m.job.Address, m.fail)
	if err != nil {
		return err
	}
	m.caller = caller
	m.observe(caller.connections)
	server, err := cpuOf(m.job.PIDs)
	if err != nil {
		return err
	}
	own := ownCPU()
	m.begun = caller.begin()
	if _, err := wait(m, caller.finished, "making the calls"); err != nil {
		return err
	}
	for _, each := range caller.calls {
		m.result.Changes += m.job.Calls.Requests[each.request].Changes
	}
	if err := m.delivered(); err != nil {
		return err
	}
	server2, err := cpuOf(m.job.PIDs)
	m.result.ServerCPU, m.result.DrainCPU = server2-server, ownCPU()-own
	return err
}

func (m *measurement) delivered() error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for m.watches != nil && m.watches.slowest() < int64(m.result.Changes) {
		doing := fmt.Sprintf("delivering %d changes (the slowest stream has %d)", m.result.Changes, m.watches.slowest())
		if _, err := wait(m, ticker.C, doing); err != nil {
			return err
		}
	}
	return nil
}

// conclude closes everything and works out the result.
func (m *measurement) conclude() error {
	if err := m.close(); err != nil {
		return err
	}
	if m.caller != nil {
		m.result.addCalls(m.begun, m.caller.calls)
		m.result.Refused = len(m.caller.refused)
	}
	if m.watches == nil {
		return nil
	}
	for _, each := range m.watches.watchers {
		if each.splitter.count != m.result.Changes {
			return fmt.Errorf("a stream got %d changes of %d", each.splitter.count, m.result.Changes)
		}
	}
	m.result.addArrivals(m.begun, m.watches)
	if m.caller == nil || m.job.Watch.KeyPrefix == "" {
		return nil
	}
	requests := m.job.Calls.Requests
	keys, err := m.watches.keys(len(requests[0].Key))
	if err != nil {
		return err
	}
	err = m.result.addLatencies(m.watches, keys, requests, m.caller.calls)
	if m.job.Calls.IntervalSeconds == 0 {
		m.result.Elements = nil // there may be a great many, of which only the rate is of interest
	}
	return err
}

func (m *measurement) close() error {
	var connections []*connection
	if m.watches != nil {
		connections = append(connections, m.watches.connections...)
	}
	if m.caller != nil {
		connections = append(connections, m.caller.connections...)
	}
	for _, each := range connections {
		each.close()
	}
	for _, each := range connections {
		<-each.ended // what its reader wrote may be read now
	}
	select {
	case err := <-m.failed:
		return err
	default:
		return nil
	}
}
