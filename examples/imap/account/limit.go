package account

import (
	"errors"

	"github.com/emersion/go-imap/v2"
)

// isLimit tells a server that has enough of our connections from one that refuses us: others of ours are in use.
func (p *Pool) isLimit(err error) bool {
	var refusal *imap.Error // of the login, or a BYE instead of a greeting
	if !errors.As(err, &refusal) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.live)-len(p.idle) > 0
}
