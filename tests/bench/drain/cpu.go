package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

const ticksPerSecond = 100 // USER_HZ, which Linux has fixed for what /proc tells

// cpuOf answers the processor time that processes have used, in seconds.
func cpuOf(pids []int) (float64, error) {
	ticks := 0
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		for _, field := range fields[11:13] { // utime and stime, the 14th and the 15th of all
			number, err := strconv.Atoi(string(field))
			if err != nil {
				return 0, err
			}
			ticks += number
		}
	}
	return float64(ticks) / ticksPerSecond, nil
}

func ownCPU() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
