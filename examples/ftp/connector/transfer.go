package connector

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/jlaffaye/ftp"
)

// transfer is a file being read. It holds a connection until the end of the file or Close, whichever comes first.
type transfer struct {
	name     string
	response *ftp.Response
	content  *bufio.Reader // of response
	release  func(error)   // gives the connection back, with how the exchange ended
	err      error         // what Read says from now on; nil while the transfer runs
}

// open starts the transfer of a file and waits for its first byte: a server that has too many connections may only then
// give up. It waits while all connections are in use.
func (imp *Importer) open(name string) (io.ReadCloser, error) {
	t := &transfer{name: name}
	c, err := imp.pool.exchange(context.Background(), either, func(c *conn) (err error) {
		t.err = nil
		if t.response, err = c.client.Retr(name); err != nil {
			return err
		}
		t.content = bufio.NewReader(t.response)
		if _, err = t.content.Peek(1); errors.Is(err, io.EOF) {
			err, t.err = firstError(t.response.Close()), io.EOF // nil for an empty file
		}
		return err
	})
	if err != nil {
		if c != nil {
			imp.pool.put(c, err)
		}
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	t.release = func(err error) { imp.pool.put(c, err) }
	if t.err != nil {
		t.release(nil)
	}
	return t, nil
}

func (t *transfer) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.content.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		// The data connection ends in the same way when the server gives up. Its reply tells the difference.
		err = firstError(t.response.Close())
	}
	t.end(err)
	return n, t.err
}

// Close gives up what was not read: the server would insist on sending it, so the connection goes too.
func (t *transfer) Close() error {
	if t.err == nil {
		t.end(fs.ErrClosed)
	}
	return nil
}

func (t *transfer) end(err error) {
	t.err = io.EOF
	if err != nil {
		t.err = fmt.Errorf("read %s: %w", t.name, err)
	}
	t.release(err)
}
