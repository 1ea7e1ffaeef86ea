package rig

import (
	"os"
	"os/signal"
	"syscall"
)

// PassSignals has the programs that this one starts listen to ^C and to the end of their terminal. A shell has what it runs in the
// background ignore ^C, nohup has it ignore SIGHUP: programs inherit that, and kpkg leaves it so. They do not inherit it of one that
// catches a signal, as this does from now on, doing nothing.
func PassSignals() {
	for _, ignored := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if signal.Ignored(ignored) {
			signal.Notify(make(chan os.Signal, 1), ignored)
		}
	}
}
