package account

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"
)

const (
	// maxDrops is how often in a row an exchange may lose its connection before it fails.
	maxDrops = 5
	// maxDials is how often in a row a server that was there before may fail to answer, and firstPause the pause after
	// the first failure. Each pause is four times the one before: together 8.5 seconds, in which a server restarts.
	maxDials   = 5
	firstPause = 100 * time.Millisecond
)

var errClosed = errors.New("the connection to the IMAP server is closed")

// Pool shares connections to one account. It opens them as they are needed, up to a limit, contents itself with fewer
// when the server allows no more, and replaces those that drop.
type Pool struct {
	dial   func(context.Context) (*Conn, error)
	closed chan struct{}
	slots  chan struct{} // one token for each connection in use

	mu   sync.Mutex
	idle []*Conn
	live map[*Conn]struct{} // in use or idle
	seen bool               // the server has let us in once
	lost error              // why the server counts as gone; nobody waits for it a second time
}

// NewPool makes a pool of at most limit connections. It connects when it is first used.
func NewPool(a Account, limit int) *Pool {
	return newPool(limit, func(ctx context.Context) (*Conn, error) { return dial(ctx, a, &tls.Config{}) })
}

func newPool(limit int, dial func(context.Context) (*Conn, error)) *Pool {
	return &Pool{
		dial:   dial,
		closed: make(chan struct{}),
		slots:  make(chan struct{}, limit),
		live:   make(map[*Conn]struct{}),
	}
}

// Do runs f on a connection. When that drops, it runs f again on another; f leaves behind only what may stay when it is
// run again. An error of f's must be the connection's: what f makes of the answers is for it to keep elsewhere.
func (p *Pool) Do(ctx context.Context, f func(*Conn) error) error {
	for drops := 1; ; drops++ {
		c, err := p.Get(ctx)
		if err != nil {
			return err
		}
		err = f(c)
		p.Put(c, err)
		if err == nil || IsRefusal(err) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if drops == maxDrops {
			return err
		}
	}
}

// Get returns a connection that the caller hands back with Put. It waits while all are in use, and for a server that
// was there before to come back. The connection is cut when ctx ends before Put.
func (p *Pool) Get(ctx context.Context) (*Conn, error) {
	for {
		if p.isClosed() {
			return nil, errClosed
		}
		select {
		case p.slots <- struct{}{}:
		case <-p.closed:
			return nil, errClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		c := p.takeIdle()
		if c == nil {
			var err error
			if c, err = p.connect(ctx); err != nil {
				if p.isLimit(err) {
					// The slot stays taken: the server has as many connections as it will have. Those in use come back.
					continue
				}
				<-p.slots
				return nil, err
			}
		}
		c.detach = context.AfterFunc(ctx, c.abort)
		if err := c.socket.setBusy(true); err != nil { // it dropped while it lay idle
			p.Put(c, err)
			continue
		}
		return c, nil
	}
}

// Put takes back a connection whose last exchange ended with err.
func (p *Pool) Put(c *Conn, err error) {
	cut := !c.detach()
	if err == nil || IsRefusal(err) {
		err = errors.Join(err, c.socket.setBusy(false))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.live[c]
	if known && !cut && c.usable(err) {
		p.idle = append(p.idle, c)
	} else {
		delete(p.live, c)
		c.abort()
	}
	<-p.slots
}

// Close takes leave of the server. Whoever still uses a connection fails, as does every later Get.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.isClosed() {
		close(p.closed)
	}
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()

	for _, c := range idle {
		if c.socket.setBusy(true) == nil {
			_ = c.Logout().Wait() // the connection is given up either way
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.live {
		c.abort()
	}
	clear(p.live)
}

// connect waits for a server that was there before. One that was not is known to be wrong at once.
func (p *Pool) connect(ctx context.Context) (*Conn, error) {
	pause := firstPause
	for dials := 1; ; dials++ {
		p.mu.Lock()
		seen, lost := p.seen, p.lost
		p.mu.Unlock()
		if lost != nil {
			return nil, lost
		}
		c, err := p.dial(ctx)
		if err == nil {
			return c, p.adopt(c)
		}
		if !seen || IsRefusal(err) || ctx.Err() != nil || p.isLimit(err) {
			return nil, err
		}
		if dials == maxDials {
			p.mu.Lock()
			p.lost = err
			p.mu.Unlock()
			return nil, err
		}
		select {
		case <-time.After(pause):
			pause *= 4
		case <-p.closed:
			return nil, errClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (p *Pool) takeIdle() *Conn {
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

func (p *Pool) adopt(c *Conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed() {
		c.abort()
		return errClosed
	}
	p.live[c] = struct{}{}
	p.seen = true
	return nil
}

func (p *Pool) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}
