package connector_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

const password = "correct horse"

// server is an SSH server in this process, with SFTP on this machine's files.
type server struct {
	address string
	hostKey ssh.PublicKey
	user    ssh.PublicKey // who may log in with a key
	private string        // that key
	put     func()        // is called while a file is written, whose writes come at once as far as the client has them do so; may be nil

	mu    sync.Mutex
	lines []net.Conn
}

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

// start starts a server that asks for a password as a question if asks is set.
func start(t *testing.T, asks bool) *server {
	t.Helper()
	host, _ := newKey(t)
	user, private := newKey(t)
	s := &server{hostKey: host.PublicKey(), user: user.PublicKey(), private: private}
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(s.user.Marshal()) {
				return nil, errors.New("not that key")
			}
			return nil, nil
		},
	}
	right := func(given string) (*ssh.Permissions, error) {
		if given != password {
			return nil, errors.New("not that password")
		}
		return nil, nil
	}
	if asks {
		config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(answers) != 1 {
				return nil, errors.New("no answer")
			}
			return right(answers[0])
		}
	} else {
		config.PasswordCallback = func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) { return right(string(given)) }
	}
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			line, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.lines = append(s.lines, line)
			s.mu.Unlock()
			running.Go(func() { s.serve(line, config) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.cut()
		running.Wait()
	})
	return s
}

// cut ends all connections.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		line.Close()
	}
	s.lines = nil
}

func (s *server) serve(line net.Conn, config *ssh.ServerConfig) {
	defer line.Close()
	_, channels, requests, err := ssh.NewServerConn(line, config)
	if err != nil {
		return
	}
	go func() {
		for r := range requests {
			r.Reply(true, nil)
		}
	}()
	for c := range channels {
		channel, asked, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range asked {
				r.Reply(r.Type == "subsystem", nil)
			}
		}()
		if s.put != nil {
			files := sftp.InMemHandler()
			files.FilePut, files.FileCmd = puts{files.FilePut, s.put}, commands{files.FileCmd}
			go func() {
				defer channel.Close()
				sftp.NewRequestServer(channel, files).Serve() //nolint:errcheck // it ends with the connection
			}()
			continue
		}
		if files, err := sftp.NewServer(channel); err == nil {
			go func() {
				defer channel.Close()
				files.Serve() //nolint:errcheck // it ends with the connection
			}()
		}
	}
}

// puts are files in memory, of whose writing somebody is told.
type puts struct {
	sftp.FileWriter
	told func()
}

func (p puts) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	file, err := p.FileWriter.Filewrite(r)
	return told{file, p.told}, err
}

// commands has no modes and no times, which those files in memory have not.
type commands struct{ sftp.FileCmder }

func (c commands) Filecmd(r *sftp.Request) error {
	if r.Method == "Setstat" {
		return nil
	}
	return c.FileCmder.Filecmd(r)
}

type told struct {
	io.WriterAt
	tell func()
}

func (t told) WriteAt(p []byte, off int64) (int, error) {
	t.tell()
	return t.WriterAt.WriteAt(p, off)
}

// config is what logs in with a password at a folder.
func (s *server) config(dir string) map[string]string {
	return map[string]string{
		"location": "sftp://joe@" + s.address + dir, "password": password, "agent": "-",
		"host_key": strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.hostKey))),
	}
}
