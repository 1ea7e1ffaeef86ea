package connector

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// errClosed is the answer to whoever uses a connector after it was closed.
var errClosed = errors.New("the connection to the FTP server is closed")

const (
	// patience is how long a server that has given us connections may refuse all of them, before its refusal is taken
	// for an answer. It may still count the connections of before.
	patience = 15 * time.Second
	// firstPause is how long the pool waits before it asks such a server again; every further wait is twice as long.
	firstPause = 100 * time.Millisecond
	// maxTries is how often an exchange is begun with as many connections as before, until its error counts.
	maxTries = 5
)

// pool shares connections between the walk and the files being read. It opens them as they are needed, up to a limit,
// and contents itself with fewer when the server allows no more: then it is slower, and nothing is lost.
type pool struct {
	connect func(context.Context, command) (*conn, error)
	closed  chan struct{}
	slots   chan struct{} // one token for each connection in use, and for each that the server does not allow

	mu    sync.Mutex
	size  int // how many connections there may be
	idle  []*conn
	live  map[*conn]struct{} // in use or idle
	known bool               // the server has let us in before
	stood time.Time          // when one of our connections was last known to stand
}

func newPool(limit int, connect func(context.Context, command) (*conn, error)) *pool {
	return &pool{
		connect: connect,
		closed:  make(chan struct{}),
		slots:   make(chan struct{}, limit),
		size:    limit,
		live:    make(map[*conn]struct{}),
		stood:   time.Now(),
	}
}

// get returns a connection that lists as told, and that the caller hands back with put. It waits while all are in use.
func (p *pool) get(ctx context.Context, how command) (*conn, error) {
	for pause := firstPause; ; pause *= 2 {
		select {
		case p.slots <- struct{}{}:
		case <-p.closed:
			return nil, errClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if c := p.takeIdle(how); c != nil {
			return c, nil
		}
		c, err := p.connect(ctx, how)
		if err == nil {
			err = p.adopt(c)
		}
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil || !p.isFull(err):
			<-p.slots
			return nil, err
		case p.dropIdle():
			<-p.slots // there is room now
		case p.shrink():
			// One of those in use will come back.
		default:
			<-p.slots
			if !p.wait(ctx, pause) {
				return nil, err
			}
		}
	}
}

// put takes back a connection whose last exchange ended with err.
func (p *pool) put(c *conn, err error) {
	p.release(c, err)
	<-p.slots
}

func (p *pool) release(c *conn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stood = time.Now()
	if _, ours := p.live[c]; ours && c.usable(err) {
		c.reused = true
		p.idle = append(p.idle, c)
		return
	}
	delete(p.live, c)
	c.abort()
}

// exchange runs f on a connection and returns that connection for put, together with f's error. A connection that the
// server dropped while it lay idle is replaced; one that we cut is not. When the server has too many connections, this
// one is given up and f begins anew with those that remain: f must not have used up anything, or say so with a finalError.
func (p *pool) exchange(ctx context.Context, how command, f func(*conn) error) (*conn, error) {
	pause := firstPause
	for tries := 1; ; {
		c, err := p.get(ctx, how)
		if err != nil {
			return nil, err
		}
		err = f(c)
		switch {
		case c.life.Err() != nil || ctx.Err() != nil || err == nil || isFinal(err):
			return c, err
		case c.reused && !c.usable(err) && !saysTooMany(err):
			p.put(c, err)
			continue
		case !isRetried(err):
			return c, err
		case tries == maxTries:
			return c, err
		}
		p.release(c, errDropped)
		if p.shrink() {
			continue
		}
		tries++
		<-p.slots
		if !p.wait(ctx, pause) {
			return nil, err
		}
		pause *= 2
	}
}

// do is exchange for those who keep nothing of the connection.
func (p *pool) do(ctx context.Context, how command, f func(*conn) error) error {
	c, err := p.exchange(ctx, how, f)
	if c != nil {
		p.put(c, err)
	}
	return err
}

// ping asks whether the server still answers.
func (p *pool) ping(ctx context.Context) error {
	return p.do(ctx, either, func(c *conn) error { return c.client.NoOp() })
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

// takeIdle returns an idle connection that lists as told. If there is none, it makes room for one.
func (p *pool) takeIdle(how command) *conn {
	p.mu.Lock()
	for i, c := range slices.Backward(p.idle) {
		if how == either || c.lists == how {
			p.idle = slices.Delete(p.idle, i, i+1)
			p.mu.Unlock()
			return c
		}
	}
	isFull := len(p.live) >= p.size
	p.mu.Unlock()
	if isFull {
		p.dropIdle()
	}
	return nil
}

// dropIdle closes a connection that nobody uses, if there is one.
func (p *pool) dropIdle() bool {
	p.mu.Lock()
	if len(p.idle) == 0 {
		p.mu.Unlock()
		return false
	}
	c := p.idle[0]
	p.idle = p.idle[1:]
	delete(p.live, c)
	p.mu.Unlock()
	c.close()
	return true
}

// shrink keeps the caller's slot for good if others have connections: they will come back.
func (p *pool) shrink() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size == 1 || len(p.live) == len(p.idle) {
		return false
	}
	p.size--
	return true
}

// wait waits before the server is asked again. It returns false when there is no use in that.
func (p *pool) wait(ctx context.Context, pause time.Duration) bool {
	p.mu.Lock()
	left := patience - time.Since(p.stood)
	p.mu.Unlock()
	if left <= 0 {
		return false
	}
	select {
	case <-time.After(min(pause, left)):
		return true
	case <-p.closed:
		return false
	case <-ctx.Done():
		return false
	}
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
		p.known, p.stood = true, time.Now()
		return nil
	}
}

// isFull tells a server that has enough connections from one that refuses us. Once it has let us in there is no other
// reason, whatever it says or does: some say nothing and hang up.
func (p *pool) isFull(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !errors.Is(err, errClosed) && (p.known || isUnavailable(err) || saysTooMany(err))
}
