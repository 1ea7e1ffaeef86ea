package main

import (
	"os"
	"runtime"
)

// leak is what faulty connectors never give back.
type leak struct {
	files  []*os.File
	memory [][]byte
}

// grow adds to it what the fault says.
func (l *leak) grow(fault string) {
	switch fault {
	case "leaks files":
		for range 5 {
			file, _ := os.Open("/dev/null")
			l.files = append(l.files, file)
		}
	case "leaks memory":
		block := make([]byte, 8<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1 // or the system does not count it
		}
		l.memory = append(l.memory, block)
	case "leaks threads":
		for range 3 {
			go func() {
				runtime.LockOSThread()
				select {}
			}()
		}
	}
}

// markWork leaves a file in the plugin's folder that says that it has been at work.
func markWork(fault string) {
	if fault == "marks its work" {
		os.WriteFile("at work", nil, 0o600)
	}
}
