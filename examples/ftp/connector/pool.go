package connector

import (
	"context"
	"errors"
	"net/textproto"
	"sync"

	"github.com/jlaffaye/ftp"
)

// errClosed is the answer to whoever uses a connector after it was closed.
var errClosed = errors.New("the connection to the FTP server is closed")

// pool shares connections between the walk and the files being read. It opens them as they are needed, up to a limit,
// and contents itself with fewer when the server allows no more.
type pool struct {
	connect func(context.Context) (*conn, error)
	closed  chan struct{}
	slots   chan struct{} // one token for each connection in use

	mu   sync.Mutex
	idle []*conn
	live map[*conn]struct{} // in use or idle
}

func newPool(limit int, connect func(context.Context) (*conn, error)) *pool {
	return &pool{
		connect: connect,
		closed:  make(chan struct{}),
		slots:   make(chan struct{}, limit),
		live:    make(map[*conn]struct{}),
	}
}

// get returns a connection that the caller hands back with put. It waits while all are in use.
func (p *pool) get(ctx context.Context) (*conn, error) {
	for {
		select {
		case p.slots <- struct{}{}:
		case <-p.closed:
			return nil, errClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if c := p.takeIdle(); c != nil {
			return c, nil
		}
		c, err := p.connect(ctx)
		if err == nil {
			err = p.adopt(c)
		}
		switch {
		case err == nil:
			return c, nil
		case p.isLimit(err):
			// The slot stays taken: the server has as many connections as it will have. Those in use come back.
		default:
			<-p.slots
			return nil, err
		}
	}
}

// put takes back a connection whose last exchange ended with err.
func (p *pool) put(c *conn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.live[c]
	if known && c.usable(err) {
		c.reused = true
		p.idle = append(p.idle, c)
	} else {
		delete(p.live, c)
		c.abort()
	}
	<-p.slots
}

// exchange runs f on a connection and returns that connection for put, together with f's error. A connection that the
// server dropped while it lay idle is replaced; one that we cut is not.
func (p *pool) exchange(ctx context.Context, f func(*conn) error) (*conn, error) {
	for {
		c, err := p.get(ctx)
		if err != nil {
			return nil, err
		}
		err = f(c)
		if c.usable(err) || !c.reused || c.life.Err() != nil || ctx.Err() != nil {
			return c, err
		}
		p.put(c, err)
	}
}

// do is exchange for those who keep nothing of the connection.
func (p *pool) do(ctx context.Context, f func(*conn) error) error {
	c, err := p.exchange(ctx, f)
	if c != nil {
		p.put(c, err)
	}
	return err
}

// ping asks whether the server still answers.
func (p *pool) ping(ctx context.Context) error {
	return p.do(ctx, func(c *conn) error { return c.client.NoOp() })
}

// abort cuts every connection. Exchanges in progress fail; the pool stays usable and connects anew.
func (p *pool) abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.live {
		c.abort()
	}
	clear(p.live)
	p.idle = nil
}

// close takes leave of the server. Whoever still reads fails, as does every later get.
func (p *pool) close() {
	p.mu.Lock()
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()

	for _, c := range idle {
		c.close()
	}
	p.abort()
}

func (p *pool) takeIdle() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	last := len(p.idle) - 1
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

func (p *pool) adopt(c *conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
		c.abort()
		return errClosed
	default:
		p.live[c] = struct{}{}
		return nil
	}
}

// isLimit tells a server that has enough of our connections from one that refuses us: it has accepted others.
func (p *pool) isLimit(err error) bool {
	var refusal *textproto.Error
	if !errors.As(err, &refusal) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.live) > 0 && (refusal.Code == ftp.StatusNotAvailable || refusal.Code == ftp.StatusNotLoggedIn)
}
