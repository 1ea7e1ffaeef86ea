package imap_test

import (
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

const password = "correct horse"

// server is an IMAP server in memory, with the accounts joe and jim.
type server struct {
	address  string
	joe, jim *imapmemserver.User
	hanging  chan struct{} // if not nil, receives when a message is asked for, which is then not sent before the end
	ended    chan struct{}
}

// startServer runs a server that takes limit sessions at a time, or any number if that is 0.
func startServer(t *testing.T, limit int) *server {
	t.Helper()
	s := &server{joe: imapmemserver.NewUser("joe", password), jim: imapmemserver.NewUser("jim", password)}
	s.ended = make(chan struct{})
	accounts := imapmemserver.New()
	for _, user := range []*imapmemserver.User{s.joe, s.jim} {
		accounts.AddUser(user)
		if err := user.Create("INBOX", nil); err != nil {
			t.Fatal(err)
		}
	}
	sessions := make(chan struct{}, max(limit, 1000))
	imapd := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			if limit > 0 && len(sessions) == limit {
				return nil, nil, &imap.Error{Type: imap.StatusResponseTypeBye, Text: "too many connections"}
			}
			sessions <- struct{}{}
			return &session{Session: accounts.NewSession(), server: s, sessions: sessions}, nil, nil
		},
		InsecureAuth: true,
		Logger:       log.New(io.Discard, "", 0),
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = imapd.Serve(listener) }) // ends with Close
	t.Cleanup(func() {
		close(s.ended)
		if err := imapd.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		running.Wait()
	})
	s.address = listener.Addr().String()
	return s
}

// session makes room for another when it ends, and stores no message of which it got less than announced.
type session struct {
	imapserver.Session
	server   *server
	sessions chan struct{}
}

func (s *session) Close() error {
	<-s.sessions
	return s.Session.Close()
}

func (s *session) Append(mailbox string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	var content strings.Builder
	if _, err := io.CopyN(&content, r, r.Size()); err != nil {
		return nil, err
	}
	return s.Session.Append(mailbox, literal{strings.NewReader(content.String())}, options)
}

func (s *session) Fetch(w *imapserver.FetchWriter, numSet imap.NumSet, options *imap.FetchOptions) error {
	if s.server.hanging != nil && len(options.BodySection) > 0 {
		s.server.hanging <- struct{}{}
		<-s.server.ended
	}
	return s.Session.Fetch(w, numSet, options)
}

// line passes connections on to a server. Each passes so many bytes in each direction and is then cut.
type line struct {
	address    string
	down, up   int64 // bytes from and to the server; 0 is no limit
	mu         sync.Mutex
	cuts       int
	connection map[net.Conn]struct{}
}

func startLine(t *testing.T, address string, down, up int64) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{address: listener.Addr().String(), down: down, up: up, connection: make(map[net.Conn]struct{})}
	var running sync.WaitGroup
	running.Go(func() {
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
			l.mu.Lock()
			l.connection[in] = struct{}{}
			l.mu.Unlock()
			running.Go(func() { l.pass(in, out, l.down) })
			running.Go(func() { l.pass(out, in, l.up) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.cut()
		running.Wait()
	})
	return l
}

func (l *line) pass(to, from net.Conn, limit int64) {
	defer to.Close()
	defer from.Close()
	if limit == 0 {
		_, _ = io.Copy(to, from) // either end may close it
		return
	}
	if n, _ := io.Copy(to, io.LimitReader(from, limit)); n == limit {
		l.mu.Lock()
		l.cuts++
		l.mu.Unlock()
	}
}

// cut cuts all connections.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.connection {
		c.Close()
	}
	clear(l.connection)
}

func (l *line) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cuts
}
