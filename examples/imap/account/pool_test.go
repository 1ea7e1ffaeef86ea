package account

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/emersion/go-imap/v2"
)

// TestServerThatIsGone takes no time: the pauses pass in a bubble.
func TestServerThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("no route to host")
		dials := 0
		p := newPool(1, func(context.Context) (*Conn, error) {
			dials++
			return nil, gone
		})
		never := func(*Conn) error { t.Error("there is a connection"); return nil }
		if err := p.Do(t.Context(), never); !errors.Is(err, gone) || dials != 1 {
			t.Errorf("a server that was never there: %v after %d attempts, want 1", err, dials)
		}
		p.seen, dials = true, 0
		if err := p.Do(t.Context(), never); !errors.Is(err, gone) || dials != maxDials {
			t.Errorf("a server that was there: %v after %d attempts, want %d", err, dials, maxDials)
		}
		if err := p.Do(t.Context(), never); !errors.Is(err, gone) || dials != maxDials {
			t.Errorf("and once more: %v after %d attempts, want %d", err, dials, maxDials)
		}
	})
}

func TestRefusedLogin(t *testing.T) {
	refusal := &imap.Error{Type: imap.StatusResponseTypeNo, Text: "no more"}
	full := &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeUnavailable, Text: "come back"}
	for _, test := range []struct {
		err   error
		seen  bool
		dials int
	}{
		{refusal, false, 1},
		{refusal, true, maxDials}, // the password was right before
		{full, false, maxWaits},
		{full, true, maxWaits},
		{&imap.Error{Type: imap.StatusResponseTypeBye, Text: "Too many connections"}, false, maxWaits},
		{&imap.Error{Type: imap.StatusResponseTypeBye, Text: "go away"}, false, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			dials := 0
			p := newPool(1, func(context.Context) (*Conn, error) {
				dials++
				return nil, test.err
			})
			p.seen = test.seen
			err := p.Do(t.Context(), nil)
			if !errors.Is(err, test.err) || errors.Is(err, ErrGone) != test.seen || dials != test.dials {
				t.Errorf("%v: got %v after %d attempts, want %d", test.err, err, dials, test.dials)
			}
			p.Close()
			if err := p.Do(t.Context(), nil); !errors.Is(err, ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

func TestCrowded(t *testing.T) {
	for _, text := range []string{
		"Too many simultaneous connections. (Failure)", "Maximum number of connections from user+IP exceeded (max=10)",
		"Too many open connections", "Connection limit reached", "too many sessions", "Max user connections reached",
		"User is already logged in", "Login limit exceeded", "Only 1 simultaneous connection allowed", "session limit",
	} {
		if !isCrowded(&imap.Error{Type: imap.StatusResponseTypeNo, Text: text}) {
			t.Errorf("%q is a refusal", text)
		}
	}
	for _, refusal := range []imap.Error{
		{Text: "Authentication failed"}, {Text: "Mailbox does not exist"}, {Text: "Message too large"},
		{Text: "Permission denied"}, {Code: imap.ResponseCodeLimit, Text: "too large"},
		{Code: imap.ResponseCodeOverQuota, Text: "Quota exceeded (mailbox for user is full)"},
	} {
		refusal.Type = imap.StatusResponseTypeNo
		if isCrowded(&refusal) {
			t.Errorf("%q is no refusal", refusal.Text)
		}
	}
}
