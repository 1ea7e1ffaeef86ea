package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// processFault is a fault of the process: what it does before it serves, or around the one that does.
func processFault(fault string) {
	switch fault {
	case "prints to stdout":
		fmt.Println("hello, I am a plugin")
	case "tells the password":
		fmt.Println("password is hunter2secret")
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
	case "outlives its work":
		serveInChild("marks its work")
		if _, err := os.Stat(workMark); err == nil {
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
	child := exec.Command(os.Args[0], os.Args[1], fault)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Stdin.Close()
	os.Stdout.Close()
}

// workMark is a file in the plugin's folder that says that it has been at work.
const workMark = "at work"

func markWork(fault string) {
	if fault == "marks its work" {
		os.WriteFile(workMark, nil, 0o600)
	}
}
