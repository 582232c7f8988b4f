package main

import (
	"slices"
	"testing"
)

func TestEachChangeIsOfTheOldestCallWithItsKeyThatHasNone(t *testing.T) {
	requests := []Request{{Key: "a"}, {Key: "b"}}
	calls := []made{{request: 0, sent: 30}, {request: 1, sent: 20}, {request: 0, sent: 10}}
	sent, err := sentInOrder([]string{"b", "a", "a"}, requests, calls)
	if err != nil || !slices.Equal(sent, []int64{20, 10, 30}) {
		t.Fatalf("%v, %v", sent, err)
	}
}

func TestACallMayBringSeveralChangesOfItsKey(t *testing.T) {
	requests := []Request{{Key: "a", Changes: 2}, {Key: "b", Changes: 1}}
	calls := []made{{request: 0, sent: 10}, {request: 1, sent: 20}}
	sent, err := sentInOrder([]string{"a", "a", "b"}, requests, calls)
	if err != nil || !slices.Equal(sent, []int64{10, 10, 20}) {
		t.Fatalf("%v, %v", sent, err)
	}
}

func TestAChangeThatNoCallMadeIsRefused(t *testing.T) {
	if _, err := sentInOrder([]string{"a", "a"}, []Request{{Key: "a"}}, []made{{request: 0, sent: 1}}); err == nil {
		t.Fatal("the second change was taken")
	}
}

func TestAStreamWaitsForEachChangeUntilTheMessageThatBroughtIt(t *testing.T) {
	quick := &watcher{arrivals: []arrival{{1e9, 1}, {2e9, 2}}}
	slow := &watcher{arrivals: []arrival{{0, 0}, {4e9, 2}}}
	w := &watches{watchers: []*watcher{quick, slow}}
	calls := []made{{request: 0, sent: 0}, {request: 0, sent: 1e9}}
	var r Result
	if err := r.addLatencies(w, []string{"a", "a"}, []Request{{Key: "a"}}, calls); err != nil {
		t.Fatal(err)
	}
	if r.WatchLatency != (Quantiles{3, 4, 4}) || r.LastLatency != (Quantiles{4, 4, 4}) {
		t.Fatalf("waits of 1, 1, 3 and 4 s: %v, the last of all %v", r.WatchLatency, r.LastLatency)
	}
	if !slices.Equal(r.Elements, []Element{{"a", 0, 4e9, 4e9}, {"a", 1e9, 4e9, 4e9}}) {
		t.Fatalf("when half of the streams, and all, had each: %v", r.Elements)
	}
	r.addArrivals(0, w)
	if r.FirstSeconds != 1 || r.DeliveredSeconds != 4 {
		t.Fatalf("first after %g s, all after %g s", r.FirstSeconds, r.DeliveredSeconds)
	}
}
