package conformance

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestCancelledCheck waits for a check that does not heed the cancellation, but not for long. The time is the bubble's.
func TestCancelledCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		never := make(chan struct{})
		defer close(never)
		start := time.Now()
		err := (&suite{temporary: t.TempDir()}).attempt(ctx, Check{ID: "hangs", run: func(context.Context, *subject) error {
			<-never
			return nil
		}}, "")
		if took := time.Since(start); took > time.Second+hungTimeout || !errors.Is(err, context.Canceled) {
			t.Errorf("after %s: %v", took, err)
		}
	})
}
