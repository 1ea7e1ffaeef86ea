package imap_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// odd is a server for one account that says what a test wants it to say, and keeps what is stored.
type odd struct {
	mailboxes []string              // the answers to LIST
	messages  map[string][]oddMail  // by mailbox
	selected  []string              // answers to EXAMINE; without, the usual ones
	ends      map[string]string     // how commands end, if not with OK done
	crowd     func(*oddConn) string // called on login: how it ends, if not empty

	mu       sync.Mutex
	open     []*oddConn // logged in, oldest first
	most     int        // of them at a time
	appended []string   // what followed APPEND
	text     []string   // of the messages stored
}

// oddMail is a message: UID, content and what follows FETCH when it is described or read, with %s for a literal.
type oddMail struct {
	uid             int
	content         string
	described, read string
}

// oddConn is one connection.
type oddConn struct {
	net.Conn
	server *odd
	doomed bool // logged in, to be told that it is one too many
}

// start runs the server.
func (o *odd) start(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	var mu sync.Mutex
	var all []net.Conn
	running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			all = append(all, c)
			mu.Unlock()
			running.Go(func() {
				(&oddConn{Conn: c, server: o}).serve()
				c.Close()
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, c := range all {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return listener.Addr().String()
}

func (c *oddConn) say(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }

var announced = regexp.MustCompile(`\{([0-9]+)(\+?)\}\r\n$`)

// command reads a line, and the literal that it ends with.
func (c *oddConn) command(r *bufio.Reader) (line, literal string, err error) {
	line, err = r.ReadString('\n')
	if m := announced.FindStringSubmatch(line); err == nil && m != nil {
		if m[2] == "" {
			c.say("+")
		}
		size, _ := strconv.Atoi(m[1])
		content := make([]byte, size)
		if _, err = io.ReadFull(r, content); err == nil {
			_, err = r.ReadString('\n')
		}
		literal = string(content)
	}
	return strings.TrimRight(line, "\r\n"), literal, err
}

func (c *oddConn) serve() {
	o := c.server
	defer o.leave(c)
	c.say("* OK [CAPABILITY IMAP4rev1] hello")
	r := bufio.NewReader(c)
	mailbox := ""
	for {
		line, literal, err := c.command(r)
		if err != nil {
			return
		}
		if c.doomed {
			c.say("* BYE Too many connections")
			return
		}
		tag, line, _ := strings.Cut(line, " ")
		line = strings.TrimPrefix(line, "UID ")
		command, args, _ := strings.Cut(line, " ")
		end := "OK done"
		switch command {
		case "LOGIN":
			if end = o.enter(c); end == "" {
				return
			}
		case "LIST":
			for _, listed := range o.mailboxes {
				c.say("* LIST %s", listed)
			}
		case "EXAMINE":
			mailbox = strings.Trim(args, `"`)
			o.examine(c, mailbox)
		case "SEARCH":
			line := "* SEARCH"
			for _, m := range o.messages[mailbox] {
				line += fmt.Sprintf(" %d", m.uid)
			}
			c.say("%s", line)
		case "FETCH":
			o.fetch(c, mailbox, args)
		case "APPEND":
			o.mu.Lock()
			o.appended, o.text = append(o.appended, args), append(o.text, literal)
			o.mu.Unlock()
		}
		if o.ends[command] != "" {
			end = o.ends[command]
		}
		c.say("%s %s", tag, end)
		if command == "LOGOUT" || strings.HasPrefix(end, "BYE") {
			return
		}
	}
}

func (o *odd) examine(c *oddConn, mailbox string) {
	if o.selected != nil {
		for _, line := range o.selected {
			c.say("%s", line)
		}
		return
	}
	c.say("* %d EXISTS", len(o.messages[mailbox]))
	c.say("* OK [UIDVALIDITY 7] ok")
}

// fetch answers for the messages of args, "1:3,5 (UID ...".
func (o *odd) fetch(c *oddConn, mailbox, args string) {
	set, items, _ := strings.Cut(args, " ")
	for n, m := range o.messages[mailbox] {
		if !inSet(set, m.uid) {
			continue
		}
		if !strings.Contains(items, "BODY") {
			if m.described == "" {
				m.described = `(UID %d FLAGS (\Seen) INTERNALDATE "29-Feb-2020 12:00:00 +0000" RFC822.SIZE ` +
					fmt.Sprint(len(m.content)) + ")"
			}
			if m.described != "nothing" {
				c.say("* %d FETCH %s", n+1, strings.ReplaceAll(m.described, "%d", fmt.Sprint(m.uid)))
			}
			continue
		}
		if m.read == "" {
			m.read = "(UID %d BODY[] %s)"
		}
		read := strings.ReplaceAll(m.read, "%d", fmt.Sprint(m.uid))
		c.say("* %d FETCH %s", n+1, strings.ReplaceAll(read, "%s", fmt.Sprintf("{%d}\r\n%s", len(m.content), m.content)))
	}
}

func inSet(set string, uid int) bool {
	return slices.ContainsFunc(strings.Split(set, ","), func(some string) bool {
		first, last, isRange := strings.Cut(some, ":")
		if !isRange {
			last = first
		}
		a, _ := strconv.Atoi(first)
		b, _ := strconv.Atoi(last)
		return a <= uid && uid <= b
	})
}

// enter logs a connection in and says how that ends; with "" the connection does.
func (o *odd) enter(c *oddConn) string {
	end := "OK welcome"
	if o.crowd != nil {
		end = o.crowd(c)
	}
	if strings.HasPrefix(end, "OK") && !c.doomed {
		o.mu.Lock()
		o.open = append(o.open, c)
		o.most = max(o.most, len(o.open))
		o.mu.Unlock()
	}
	return end
}

func (o *odd) leave(c *oddConn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = slices.DeleteFunc(o.open, func(other *oddConn) bool { return other == c })
}

// count is how many connections are logged in.
func (o *odd) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.open)
}

// cutOldest ends the connection that is logged in longest.
func (o *odd) cutOldest(words string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.open) > 0 {
		if words != "" {
			o.open[0].say("%s", words)
		}
		o.open[0].Close()
		o.open = o.open[1:]
	}
}
