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

func TestRefusalIsFinal(t *testing.T) {
	refusal := &imap.Error{Type: imap.StatusResponseTypeNo, Text: "no more"}
	dials := 0
	p := newPool(1, func(context.Context) (*Conn, error) {
		dials++
		return nil, refusal
	})
	p.seen = true
	if err := p.Do(t.Context(), nil); !errors.Is(err, refusal) || dials != 1 {
		t.Errorf("got %v after %d attempts, want 1", err, dials)
	}
	p.Close()
	if err := p.Do(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
