package main

import (
	"bytes"
	"fmt"
	"sync/atomic"
)

// arrival is when a stream had so many elements.
type arrival struct {
	at    int64
	count int
}

// watcher drains one stream.
type watcher struct {
	splitter splitter
	arrivals []arrival // written by the reader, read once it has ended
	bytes    int64
	first    chan<- int64 // told when the first message has come
	fail     func(error)
	count    atomic.Int64
}

func (w *watcher) data(at int64, part []byte) error {
	w.bytes += int64(len(part))
	before, none := w.splitter.count, w.splitter.messages == 0
	ended, err := w.splitter.feed(part)
	if err != nil || !ended {
		return err
	}
	if none {
		w.first <- at
	}
	if seen := len(w.arrivals); w.splitter.count > before || seen == 0 || w.arrivals[seen-1].count < w.splitter.count {
		w.arrivals = append(w.arrivals, arrival{at, w.splitter.count})
		w.count.Store(int64(w.splitter.count))
	}
	return nil
}

func (w *watcher) ended(_ int64, status int, message string) error {
	w.fail(fmt.Errorf("a stream ended with status %d: %s", status, message))
	return nil
}

// watches is all streams of a job.
type watches struct {
	job         *Watch
	watchers    []*watcher
	connections []*connection
}

func openWatches(job *Watch, address string, fail func(error)) (*watches, <-chan int64, error) {
	w := &watches{job: job}
	first := make(chan int64, job.Streams)
	for range job.Connections {
		c, err := dial(address)
		if err != nil {
			return nil, nil, err
		}
		w.connections = append(w.connections, c)
	}
	for number := range job.Streams {
		// The first stream keeps what it gets: every stream gets the same in the same order, so one tells it for all.
		each := &watcher{splitter: splitter{field: job.Field, keep: number == 0}, first: first, fail: fail}
		w.watchers = append(w.watchers, each)
		c := w.connections[number%job.Connections]
		if err := c.start(outgoing{each, job.Method, job.Request, job.HalfClose}); err != nil {
			return nil, nil, err
		}
	}
	for _, c := range w.connections {
		if err := c.flush(); err != nil {
			return nil, nil, err
		}
	}
	return w, first, nil
}

// slowest answers how many elements every stream has at least.
func (w *watches) slowest() int64 {
	least := w.watchers[0].count.Load()
	for _, each := range w.watchers[1:] {
		least = min(least, each.count.Load())
	}
	return least
}

// keys answers, for each element of the first stream, the key that it holds.
func (w *watches) keys(length int) ([]string, error) {
	prefix := []byte(w.job.KeyPrefix)
	keys := make([]string, 0, len(w.watchers[0].splitter.elements))
	for _, element := range w.watchers[0].splitter.elements {
		at := bytes.Index(element, prefix)
		if at < 0 || at+length > len(element) {
			return nil, fmt.Errorf("an element holds no key that begins with %q", w.job.KeyPrefix)
		}
		keys = append(keys, string(element[at:at+length]))
	}
	return keys, nil
}
