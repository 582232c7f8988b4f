// Drain opens server-streams of any gRPC service and makes unary calls of it, and measures both by one clock.
//
// It reads a Job as JSON from its input and prints a Result. It knows no service: what it sends are bytes that it was
// given, and of what comes it counts the elements of one field.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"time"
)

func main() {
	debug.SetGCPercent(400)
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "drain:", err)
		os.Exit(1)
	}
}

func run() error {
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return err
	}
	job, err := readJob(line)
	if err != nil {
		return err
	}
	m := &measurement{job: job, failed: make(chan error, 1), timeout: time.After(seconds(job.TimeoutSeconds))}
	if err := m.open(); err != nil {
		return err
	}
	if job.Watch != nil && job.Watch.Hold {
		if err := m.hold(input); err != nil {
			return err
		}
	}
	if job.Calls != nil {
		if err := m.call(); err != nil {
			return err
		}
	}
	if err := m.conclude(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m.result)
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }
