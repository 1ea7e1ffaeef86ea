// Foreign is a program that serves the socket of a plugin, and says there what is not the protocol. Where it may write beside itself it
// leaves a file.
package main

import (
	"net"
	"os"
	"strings"
)

func main() {
	if program, err := os.Executable(); err == nil {
		_ = os.WriteFile(program+".ran", nil, 0o600)
	}
	listener, err := net.Listen("unix", strings.TrimPrefix(os.Getenv("PLAKAR_PLUGIN_LISTEN"), "unix://"))
	if err != nil {
		os.Stdout.WriteString("hello, this is no plugin\n")
		return
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte("hello, this is no plugin\n"))
	}
}
