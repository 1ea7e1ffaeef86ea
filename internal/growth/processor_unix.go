//go:build unix

package growth

import (
	"syscall"
	"time"
)

// processorTime is what all threads of this process have used until now, of the kernel too; getrusage(2).
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // who asks about itself is answered
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
