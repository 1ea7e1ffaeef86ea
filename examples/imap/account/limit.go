package account

import (
	"errors"
	"regexp"

	"github.com/emersion/go-imap/v2"
)

// crowded are the words in which servers say that an account, or one of its mailboxes, has too many connections.
var crowded = regexp.MustCompile(`(?i)too many|max[a-z]*[ _-]*(number|user|connection|session|login|client)` +
	`|(connection|session|login|client)s?[ a-z]* (limit|exceeded)|limit (of |on |for )?(connection|session|login)` +
	`|(simultaneous|concurrent|parallel) (connection|session|login|access)|already (in use|logged in|connected|open)`)

// later are the words in which they refuse a login for now.
var later = regexp.MustCompile(`(?i)temporar|try again|throttl|busy|unavailable|overload`)

// isCrowded tells a server that has no place for a connection from one that refuses what is asked of it.
func isCrowded(err error) bool {
	var refusal *imap.Error
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code { // RFC 5530, section 3
	case imap.ResponseCodeInUse:
		return true
	case "", imap.ResponseCodeAlert, imap.ResponseCodeLimit, imap.ResponseCodeUnavailable:
		return crowded.MatchString(refusal.Text)
	}
	return false
}

// isForNow tells a login that is refused for now from one that is wrong.
func isForNow(err error) bool {
	var refusal *imap.Error
	if !errors.As(err, &refusal) || refusal.Code == imap.ResponseCodeAuthenticationFailed {
		return false
	}
	return isCrowded(err) || refusal.Code == imap.ResponseCodeUnavailable || refusal.Code == imap.ResponseCodeLimit ||
		later.MatchString(refusal.Text)
}
