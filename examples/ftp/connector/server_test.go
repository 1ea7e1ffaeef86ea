package connector

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"
)

const (
	testUser     = "joe"
	testPassword = "correct horse"
)

// serve runs a real FTP server over files until the test ends, and returns its address. The server takes testUser and
// anonymous users.
func serve(t *testing.T, files afero.Fs, settings ftpserver.Settings) string {
	t.Helper()
	return serveWith(t, &driver{files: files, settings: &settings})
}

func serveWith(t *testing.T, d ftpserver.MainDriver) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := d.GetSettings()
	if err != nil {
		t.Fatal(err)
	}
	settings.Listener = listener
	if settings.TLSRequired == ftpserver.ImplicitEncryption {
		config, err := d.GetTLSConfig()
		if err != nil {
			t.Fatal(err)
		}
		settings.Listener = tls.NewListener(listener, config)
	}
	server := ftpserver.NewFtpServer(d)
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- server.Serve() }()
	t.Cleanup(func() {
		if err := errors.Join(server.Stop(), <-done); err != nil {
			t.Errorf("FTP server: %v", err)
		}
	})
	return listener.Addr().String()
}

type driver struct {
	files       afero.Fs
	settings    *ftpserver.Settings
	certificate tls.Certificate // for TLS
}

func (d *driver) GetSettings() (*ftpserver.Settings, error)               { return d.settings, nil }
func (d *driver) ClientConnected(ftpserver.ClientContext) (string, error) { return "hello", nil }
func (d *driver) ClientDisconnected(ftpserver.ClientContext)              {}
func (d *driver) GetTLSConfig() (*tls.Config, error) {
	return &tls.Config{Certificates: []tls.Certificate{d.certificate}}, nil
}
func (d *driver) AuthUser(_ ftpserver.ClientContext, user, password string) (ftpserver.ClientDriver, error) {
	if user == testUser && password == testPassword || user == "anonymous" {
		return d.files, nil
	}
	return nil, errors.New("wrong password")
}

// proxy passes connections on to address, one port for all of them, until cut.
type proxy struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
	count int
}

// startProxy is a door to the control port of address that can be slammed.
func startProxy(t *testing.T, address string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: listener}
	t.Cleanup(func() { listener.Close(); p.cut() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", address)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.count++
			p.mu.Unlock()
			go func() { io.Copy(in, out); in.Close() }()
			go func() { io.Copy(out, in); out.Close() }()
		}
	}()
	return p
}

// cut closes every connection and returns how many there were since the start.
func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
	return p.count
}

// script is a server that says what a test wants it to say.
type script struct {
	features string                                    // lines of the answer to FEAT, such as "MLST type*;"
	mlsd     map[string]string                         // folder -> lines; a folder that is missing is refused
	list     map[string]string                         // the same for LIST
	folders  map[string]bool                           // where CWD leads; anywhere if nil
	replies  map[string]string                         // command and folder -> the answer, such as "LIST /x" -> "550 no"
	retr     func(name string) (content, reply string) // reply ends the transfer, such as "226 done"
	user     string                                    // the answer to USER; "331 password?" if empty
	login    string                                    // the answer to PASS; "230 welcome" if empty
	limit    int                                       // connections at a time; 0 is no limit
	full     string                                    // what it says to more; nothing before it hangs up if empty
	hang     string                                    // a command that is never answered
	pasv     string                                    // host in the answer to PASV, in commas; 127,0,0,1 if empty

	hanging chan struct{} // receives when hang arrives

	mu     sync.Mutex
	live   int
	logins int // so far
}

func (s *script) start(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var sessions sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		sessions.Wait()
	})
	sessions.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			sessions.Go(func() { s.session(c) })
		}
	})
	return listener.Addr().String()
}

// enter counts a session in, unless there are too many.
func (s *script) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && s.live == s.limit {
		return false
	}
	s.live++
	return true
}

func (s *script) session(c net.Conn) {
	defer c.Close()
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }
	if !s.enter() {
		if s.full != "" {
			say("%s", s.full)
		}
		return
	}
	defer func() { s.mu.Lock(); s.live--; s.mu.Unlock() }()

	var data net.Listener
	send := func(content, reply string) {
		say("150 here it comes")
		d, err := data.Accept()
		if err != nil {
			return
		}
		io.WriteString(d, content)
		d.Close()
		say("%s", reply)
	}
	// answer sends what is in a folder, or says what the test wants to be said.
	answer := func(command string, content map[string]string, folder string) {
		lines, found := content[folder]
		switch reply := s.replies[command]; {
		case strings.HasPrefix(reply, "2"):
			send(lines, reply)
		case reply != "":
			say("%s", reply)
		case found:
			send(lines, "226 done")
		default:
			say("550 no such folder")
		}
	}
	defer func() {
		if data != nil {
			data.Close()
		}
	}()

	say("220 hello")
	folder := "/"
	var line [4096]byte
	for {
		n, err := c.Read(line[:])
		if err != nil {
			return
		}
		command, argument, _ := strings.Cut(strings.TrimRight(string(line[:n]), "\r\n"), " ")
		if command == s.hang {
			s.hanging <- struct{}{}
			io.Copy(io.Discard, c)
			return
		}
		switch command {
		case "USER":
			if s.user != "" {
				say("%s", s.user)
			} else {
				say("331 password?")
			}
		case "PASS":
			s.mu.Lock()
			s.logins++
			s.mu.Unlock()
			if s.login != "" {
				say("%s", s.login)
			} else {
				say("230 welcome")
			}
		case "FEAT":
			say("211-features\r\n %s\r\n211 end", s.features)
		case "TYPE", "NOOP":
			say("200 ok")
		case "PASV":
			if data != nil {
				data.Close()
			}
			if data, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				return
			}
			port := data.Addr().(*net.TCPAddr).Port
			host := s.pasv
			if host == "" {
				host = "127,0,0,1"
			}
			say("227 passive (%s,%d,%d)", host, port/256, port%256)
		case "CWD":
			if s.folders != nil && !s.folders[argument] {
				say("550 no such folder")
				continue
			}
			folder = argument
			say("250 ok")
		case "MLSD":
			answer(command+" "+argument, s.mlsd, argument)
		case "LIST":
			if argument == "" {
				answer(command+" "+folder, s.list, folder)
			} else {
				say("550 no such file")
			}
		case "RETR":
			send(s.retr(argument))
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 no %s here", command)
		}
	}
}
