package growth

import (
	"syscall"
	"time"
)

// processorTime is what all threads of this process have used until now, of the kernel too, in steps of 16 ms; GetProcessTimes.
func processorTime() time.Duration {
	process, err := syscall.GetCurrentProcess()
	if err != nil {
		panic(err) // who asks about itself is answered
	}
	var created, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(process, &created, &ended, &kernel, &user); err != nil {
		panic(err)
	}
	return ticks(kernel) + ticks(user)
}

// ticks counts a time that is a duration in hundreds of nanoseconds.
func ticks(f syscall.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}
