package account

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
)

const (
	// maxDrops is how often in a row an exchange may lose its connection before it fails.
	maxDrops = 6
	// maxDials is how often in a row a server that was there before may fail to answer, and firstPause the pause after
	// the first failure. Each pause is four times the one before, up to lastPause: together 8.5 seconds, in which a
	// server restarts.
	maxDials   = 5
	firstPause = 100 * time.Millisecond
	lastPause  = 64 * firstPause
	// maxWaits is the same for a server that has no place for us: 40 seconds, in which another program may end.
	maxWaits = 10
	// manyDrops is how many connections in a row an exchange may lose before there are too many of them: some servers cut
	// one for each that is new, and do not say why.
	manyDrops = 2
)

// ErrGone is a server that was there and lets us in no more.
var ErrGone = errors.New("the IMAP server is gone")

// ErrClosed is a pool that is used after Close.
var ErrClosed = errors.New("the connection to the IMAP server is closed")

var errFull = errors.New("the IMAP server takes no more connections")

// Pool shares connections to one account. It opens them as they are needed, up to a limit, contents itself with fewer
// when the server allows no more, down to one, and replaces those that drop.
type Pool struct {
	dial   func(context.Context) (*Conn, error)
	closed chan struct{}
	slots  chan struct{} // one token for each connection in use, and for each that the server does not allow

	mu      sync.Mutex
	idle    []*Conn
	live    map[*Conn]struct{} // in use or idle
	refused int                // tokens in slots for connections that the server does not allow
	surplus int                // connections that are too many and still in use
	crowded int                // connections that the server had no place for since an exchange went well
	seen    bool               // the server has let us in once
	lost    error              // why the server counts as gone; nobody waits for it a second time
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
		err = c.Explain(f(c))
		p.Put(c, err)
		if err == nil || IsRefusal(err) {
			return err
		}
		p.Dropped(drops)
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
			return nil, ErrClosed
		}
		select {
		case p.slots <- struct{}{}:
		case <-p.closed:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		c := p.takeIdle()
		if c == nil {
			var err error
			if c, err = p.connect(ctx); errors.Is(err, errFull) {
				p.mu.Lock()
				p.free(true) // the others are idle by now or come back
				p.mu.Unlock()
				continue
			} else if err != nil {
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
	reason := c.Explain(err)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.live[c]
	if known && !cut && c.usable(err) {
		p.idle = append(p.idle, c)
		p.crowded = 0
		p.free(false)
		return
	}
	isCrowd := isCrowded(reason)
	if isCrowd {
		p.crowded++
	}
	delete(p.live, c)
	c.abort()
	p.free(isCrowd && p.hasLive())
}

// Dropped tells the pool that an exchange has lost its connection so many times in a row.
func (p *Pool) Dropped(times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if times >= manyDrops {
		p.surplus = min(p.surplus+1, cap(p.slots))
	}
}

// free gives up a slot, or keeps it taken for good because the server does not allow as many connections. One always
// remains. The caller holds mu.
func (p *Pool) free(isRefused bool) {
	if isRefused || p.surplus > 0 {
		p.surplus = max(p.surplus-1, 0)
		if p.refused+1 < cap(p.slots) {
			p.refused++
			return
		}
	}
	<-p.slots
}

// Rest ends the connections that are not in use. The next use opens them anew.
func (p *Pool) Rest() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()

	for _, c := range idle {
		if c.socket.setBusy(true) == nil {
			_ = c.Logout().Wait() // the connection is given up either way
		}
		p.mu.Lock()
		delete(p.live, c)
		p.mu.Unlock()
		c.abort()
	}
}

// Close takes leave of the server. Whoever still uses a connection fails, as does every later Get.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.isClosed() {
		close(p.closed)
	}
	p.mu.Unlock()

	p.Rest()
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.live {
		c.abort()
	}
	clear(p.live)
}

// connect waits for a server that was there before, and for one that has no place now. One that was not there
// or takes no such login is known to be wrong at once. With errFull, there are other connections of ours, and they will do.
func (p *Pool) connect(ctx context.Context) (*Conn, error) {
	p.mu.Lock()
	crowded := p.crowded
	p.mu.Unlock()
	if crowded > 0 {
		if err := p.wait(ctx, crowded); err != nil {
			return nil, err
		}
	}
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
		if ctx.Err() != nil {
			return nil, err
		}
		patience := maxDials
		if isForNow(err) {
			patience = maxWaits
		} else if !seen {
			return nil, err
		}
		p.mu.Lock()
		hasOthers := p.hasLive()
		if !hasOthers && dials == patience && seen {
			p.lost = fmt.Errorf("%w: %w", ErrGone, err)
			err = p.lost
		}
		p.mu.Unlock()
		if hasOthers {
			return nil, errFull
		}
		if dials == patience {
			return nil, err
		}
		if err := p.wait(ctx, dials); err != nil {
			return nil, err
		}
	}
}

// wait pauses after the nth failure in a row.
func (p *Pool) wait(ctx context.Context, n int) error {
	pause := firstPause
	for range n - 1 {
		pause = min(4*pause, lastPause)
	}
	select {
	case <-time.After(pause):
		return nil
	case <-p.closed:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hasLive reports whether a connection still stands, as far as is known. The caller holds mu.
func (p *Pool) hasLive() bool {
	for c := range p.live {
		if c.State() != imap.ConnStateLogout {
			return true
		}
	}
	return false
}

// takeIdle is nil if no connection is idle that still stands.
func (p *Pool) takeIdle() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		last := len(p.idle) - 1
		c := p.idle[last]
		p.idle = p.idle[:last]
		if c.State() != imap.ConnStateLogout {
			return c
		}
		delete(p.live, c)
		c.abort()
	}
	return nil
}

func (p *Pool) adopt(c *Conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed() {
		c.abort()
		return ErrClosed
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
