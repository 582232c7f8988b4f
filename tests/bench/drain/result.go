package main

import (
	"fmt"
	"slices"
)

// Result is what was measured; times are in seconds since the first call was sent.
type Result struct {
	OpenedSeconds    float64   `json:"opened_seconds"` // until every stream had its first message
	Calls            int       `json:"calls"`
	Refused          int       `json:"refused"`           // calls, besides; only where that is no failure
	AnsweredSeconds  float64   `json:"answered_seconds"`  // until the last call was answered
	CallLatency      Quantiles `json:"call_latency"`      // from a call's sending to its answer
	Changes          int       `json:"changes"`           // to each stream
	DeliveredSeconds float64   `json:"delivered_seconds"` // until the last stream had the last element
	FirstSeconds     float64   `json:"first_seconds"`     // until the first stream had an element
	WatchLatency     Quantiles `json:"watch_latency"`     // from a call's sending until a stream had its message
	LastLatency      Quantiles `json:"last_latency"`      // until the last of all streams had it
	Elements         []Element `json:"elements"`          // of each stream, in their order; only where calls are spaced
	Messages         int       `json:"messages"`          // of all streams
	Bytes            int64     `json:"bytes"`             // of all streams
	ServerCPU        float64   `json:"server_cpu_seconds"`
	DrainCPU         float64   `json:"drain_cpu_seconds"`
}

// Element is when a change was delivered, in nanoseconds since 1970.
type Element struct {
	Key    string `json:"key"`
	SentAt int64  `json:"sent_at"` // the call that brought it was sent
	HalfAt int64  `json:"half_at"` // half of the streams had it
	LastAt int64  `json:"last_at"` // the last of all had it
}

// Quantiles are in seconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func quantiles(nanoseconds []int64) Quantiles {
	if len(nanoseconds) == 0 {
		return Quantiles{}
	}
	slices.Sort(nanoseconds)
	at := func(share float64) float64 {
		return float64(nanoseconds[min(int(share*float64(len(nanoseconds))), len(nanoseconds)-1)]) / 1e9
	}
	return Quantiles{at(0.5), at(0.99), at(1)}
}

func (r *Result) addCalls(begun int64, calls []made) {
	last := begun
	latencies := make([]int64, 0, len(calls))
	for _, each := range calls {
		last = max(last, each.answered)
		latencies = append(latencies, each.answered-each.sent)
	}
	r.Calls, r.AnsweredSeconds = len(calls), float64(last-begun)/1e9
	r.CallLatency = quantiles(latencies)
}

func (r *Result) addArrivals(begun int64, w *watches) {
	first, last := int64(0), begun
	for _, each := range w.watchers {
		r.Messages += each.splitter.messages
		r.Bytes += each.bytes
		for _, arrival := range each.arrivals {
			if arrival.count > 0 && (first == 0 || arrival.at < first) {
				first = arrival.at
			}
			last = max(last, arrival.at)
		}
	}
	r.DeliveredSeconds, r.FirstSeconds = float64(last-begun)/1e9, float64(first-begun)/1e9
}

// addLatencies tells for each call how long each stream waited for it. `keys` are those of the elements in their order.
func (r *Result) addLatencies(w *watches, keys []string, requests []Request, calls []made) error {
	sent, err := sentInOrder(keys, requests, calls)
	if err != nil {
		return err
	}
	all := make([]int64, 0, len(sent)*len(w.watchers))
	slowest := make([]int64, 0, len(sent))
	for number, arrivals := range arrivalsOf(w, len(sent)) {
		for _, at := range arrivals {
			all = append(all, at-sent[number])
		}
		slices.Sort(arrivals)
		half, last := arrivals[len(arrivals)/2], arrivals[len(arrivals)-1]
		slowest = append(slowest, last-sent[number])
		r.Elements = append(r.Elements, Element{keys[number], sent[number], half, last})
	}
	r.WatchLatency, r.LastLatency = quantiles(all), quantiles(slowest)
	return nil
}

// arrivalsOf answers, for each of so many elements, when each stream had it.
func arrivalsOf(w *watches, count int) [][]int64 {
	arrivals := make([][]int64, count)
	for _, each := range w.watchers {
		seen := 0
		for _, arrival := range each.arrivals {
			for ; seen < arrival.count; seen++ {
				arrivals[seen] = append(arrivals[seen], arrival.at)
			}
		}
	}
	return arrivals
}

// sentInOrder answers when the call was sent that each element is of. Calls with one key are made one after another,
// and one may bring several elements.
func sentInOrder(keys []string, requests []Request, calls []made) ([]int64, error) {
	byKey := map[string][]int64{}
	for _, each := range calls {
		request := requests[each.request]
		for range max(request.Changes, 1) {
			byKey[request.Key] = append(byKey[request.Key], each.sent)
		}
	}
	sent := make([]int64, 0, len(keys))
	for _, key := range keys {
		if len(byKey[key]) == 0 {
			return nil, fmt.Errorf("an element of %q came that no call accounts for", key)
		}
		slices.Sort(byKey[key])
		sent = append(sent, byKey[key][0])
		byKey[key] = byKey[key][1:]
	}
	return sent, nil
}
