// Command outer makes the faults of a process, and those of the protocol, around the plugin that is testdata/broken: its
// arguments are the type of connector, the fault, and the executable of broken. It does not use the SDK, which takes standard
// output away from whoever is not the plugin.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	fault := os.Args[2]
	if faulty := proxyFaults[fault]; faulty != nil {
		serveProxy(faulty)
	}
	switch fault {
	case "prints to stdout":
		fmt.Println("hello, I am a plugin")
		serveInChild("none")
	case "tells the password":
		fmt.Println("password is hunter2secret")
		serveInChild("none")
	case "exits at once":
		fmt.Fprintln(os.Stderr, "cannot find my configuration")
		os.Exit(3)
	case "says nothing":
		time.Sleep(time.Hour)
	case "exits with 1":
		serveInChild("none")
		os.Exit(1)
	case "outlives its host":
		serveInChild("none")
		time.Sleep(time.Hour)
	case "outlives its work", "outlives an unfinished Resolve":
		serveInChild(strings.Replace(fault, "outlives", "marks", 1))
		if _, err := os.Stat("at work"); err == nil { // broken's mark
			time.Sleep(time.Hour)
		}
		os.Exit(0)
	case "ignores SIGTERM":
		signal.Ignore(syscall.SIGTERM)
		serveInChild("none")
		os.Exit(0)
	case "ignores SIGINT":
		signal.Ignore(syscall.SIGINT)
		serveInChild("none")
		os.Exit(0)
	}
}

// serveInChild serves in another process, which has this one's input and output and another fault.
func serveInChild(fault string) {
	child := exec.Command(os.Args[3], os.Args[1], fault)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Stdin.Close()
	os.Stdout.Close()
}
