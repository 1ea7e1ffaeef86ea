package rig

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// answerTimeout is how long a server may take until it answers.
const answerTimeout = 30 * time.Second

// Server is one on the loopback interface, with a folder of its own.
type Server struct {
	Address string // host:port, without TLS
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	log     bytes.Buffer  // for whoever knows that the process has ended
	dir     string
}

// findServer looks for a program that a package of Debian has.
func findServer(name, debian string) (string, error) {
	// Debian keeps servers where only root's PATH looks.
	for _, program := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(program); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: on Debian, apt-get install %s", name, debian)
}

// startServer starts a program and waits until it answers. configure writes its configuration into the folder dir, and
// returns its arguments.
func startServer(program string, configure func(dir, port string) ([]string, error)) (s *Server, err error) {
	// Between the choice of a free port and its use another program may take it.
	for range 5 {
		if s, err = tryServer(program, configure); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func tryServer(program string, configure func(dir, port string) ([]string, error)) (*Server, error) {
	dir, err := os.MkdirTemp("", "kpkg-"+filepath.Base(program)+"-*")
	if err != nil {
		return nil, err
	}
	s := &Server{ended: make(chan struct{}), dir: dir}
	if err := s.start(program, configure); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Server) start(program string, configure func(dir, port string) ([]string, error)) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.Address = net.JoinHostPort("127.0.0.1", port)
	args, err := configure(s.dir, port)
	if err != nil {
		return err
	}
	s.process = exec.Command(program, args...)
	s.process.Stdout, s.process.Stderr = &s.log, &s.log
	s.process.WaitDelay = time.Second
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		_ = s.process.Wait() // ProcessState keeps it
		close(s.ended)
	}()
	return s.await()
}

// await waits until the server answers, and ends it if it does not.
func (s *Server) await() error {
	deadline := time.After(answerTimeout)
	for {
		conn, err := net.Dial("tcp", s.Address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%s ended at once: %v\n%s", s.process.Path, s.process.ProcessState, &s.log)
		case <-deadline:
			return errors.Join(fmt.Errorf("%s does not answer after %s: %w", s.process.Path, answerTimeout, err), s.stop())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop ends the process, with the sessions it serves. The error is that it had ended before.
func (s *Server) stop() error {
	err := s.process.Process.Signal(syscall.SIGTERM)
	<-s.ended // with the signal's status
	if err != nil {
		return fmt.Errorf("stop %s: %w\n%s", s.process.Path, err, &s.log)
	}
	return nil
}

// Close ends the server and removes its folder.
func (s *Server) Close() error { return errors.Join(s.stop(), os.RemoveAll(s.dir)) }

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return strconv.Itoa(port), listener.Close()
}
