package connector

import (
	"errors"
	"io"
	"net"
	"net/textproto"
	"regexp"

	"github.com/jlaffaye/ftp"
)

var (
	// tooMany is how servers say that they have enough connections, in replies that have other meanings as well (530 is
	// a wrong password): "Sorry, the maximum number of clients (3) for this user are already connected", "only 1 session
	// from same IP allowed concurrently", "you have exceeded the number of connections".
	tooMany = regexp.MustCompile(`(?i)\btoo many\b|\bmaximum\b|\bmax\b|\blimit(s|ed)?\b|\bexceed|` +
		`\balready (connected|logged)|\bonly \d+ |\bno more (users|clients|connections|sessions)|\bserver (is )?(too )?(full|busy)\b`)
	// ofSomethingElse is said of passwords, where to try again would lock the user out, and of what is stored.
	ofSomethingElse = regexp.MustCompile(`(?i)attempt|fail|incorrect|invalid|passw|quota|storage|space|size|length`)
)

// saysTooMany reports whether a server refuses because it has enough connections.
func saysTooMany(err error) bool {
	var refusal *textproto.Error
	return errors.As(err, &refusal) && tooMany.MatchString(refusal.Msg) && !ofSomethingElse.MatchString(refusal.Msg)
}

// isUnavailable reports whether a server answered 421, with which it hangs up (RFC 959, section 5.4).
func isUnavailable(err error) bool {
	var refusal *textproto.Error
	return errors.As(err, &refusal) && refusal.Code == ftp.StatusNotAvailable
}

// isRetried reports whether an exchange that ended with err may go better with fewer connections: the connection broke,
// the server hung up, it could open no data connection (425), or it says so. Silence is no such sign: it would cost as
// much time again.
func isRetried(err error) bool {
	var refusal *textproto.Error
	if errors.As(err, &refusal) {
		return refusal.Code == ftp.StatusCanNotOpenDataConnection || isUnavailable(err) || saysTooMany(err)
	}
	var failure *net.OpError
	if errors.As(err, &failure) {
		return !failure.Timeout()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// errDropped is how an exchange ends on a connection that is given up in favour of fewer.
var errDropped = errors.New("the server has too many connections")

// finalError marks an error after which an exchange cannot begin anew: what it sent cannot be sent again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func isFinal(err error) bool {
	var final finalError
	return errors.As(err, &final)
}
