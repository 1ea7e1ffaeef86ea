package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/scratch"
)

const (
	// checkTimeout bounds a check; hungTimeout is how long it may take to notice.
	checkTimeout = 60 * time.Second
	hungTimeout  = 10 * time.Second
	// sideBySide is how many checks run at once where they cannot be in each other's way.
	sideBySide = 4
)

// Run tests one connector. The results are in the order of Checks. The error says that the test could not be made at all;
// ctx ends it, with every plugin killed and every temporary folder removed.
func Run(ctx context.Context, config Config) ([]Result, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	temporary, err := scratch.Make("test")
	if err != nil {
		return nil, err
	}
	defer temporary.Remove()
	s, err := newSuite(config, temporary.Path)
	if err != nil {
		return nil, err
	}
	checks := config.checks()
	results := make([]Result, len(checks))
	var told sync.Mutex
	tell := func(r Result) {
		if config.Checked != nil {
			told.Lock()
			defer told.Unlock()
			config.Checked(r)
		}
	}
	failed := "" // the gate that has
	turns := make(chan struct{}, s.sideBySide())
	var running sync.WaitGroup
	for i, k := range checks {
		if k.gate {
			turns <- struct{}{}
			results[i] = s.judge(ctx, k, failed)
			<-turns
			tell(results[i])
			if results[i].Status == Fail && failed == "" {
				failed = k.ID
			}
			continue
		}
		turns <- struct{}{}
		running.Go(func() {
			results[i] = s.judge(ctx, k, failed)
			tell(results[i])
			<-turns
		})
	}
	running.Wait()
	return results, context.Cause(ctx)
}

// judge makes one check, unless a gate before it has failed.
func (s *suite) judge(ctx context.Context, k Check, failed string) Result {
	start := time.Now()
	err := s.attempt(ctx, k, failed)
	result := Result{ID: k.ID, Connector: s.config.Connector(), Title: k.Title, Seconds: time.Since(start).Seconds()}
	result.Status, result.Detail = outcome(err)
	result.Detail = strings.ReplaceAll(s.redact(host.Words(result.Detail)), "\n", "; ")
	if result.Status == Fail {
		s.explain(&result)
	}
	return result
}

// explain says of what failed what it means, and whose fault it is.
func (s *suite) explain(r *Result) {
	is := meanings[r.ID]
	if s.sdk.isAtFault(r.ID) {
		r.SDK = s.sdk.name
	}
	if is.never != "" {
		r.Status, r.Detail = Skip, noteMark+is.never+": "+r.Detail
		return
	}
	r.Sent, r.Hurts = is.sent, is.hurts
	if strings.Contains(r.Detail, "unknown method") || strings.Contains(r.Detail, "unknown service") {
		r.Detail += "; plugins built on SDKs for plakar v1.0 answer so"
	}
}

// noteMark begins what is said of a failure that plakar cannot trigger.
const noteMark = "a note, as "

func (s *suite) attempt(ctx context.Context, k Check, failed string) error {
	if ctx.Err() != nil { // the results are of no use any more
		return context.Cause(ctx)
	}
	if blocks(failed, k) {
		return skipf("not judged, because %s failed", failed)
	}
	subject := &subject{suite: s, dir: filepath.Join(s.temporary, k.ID)}
	for _, requirement := range k.needs {
		if reason := requirement(subject); reason != "" {
			return skipped(reason)
		}
	}
	if err := os.Mkdir(subject.dir, 0o700); err != nil {
		return skipf("making a temporary folder: %v", err)
	}
	defer subject.end()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer func() {
			if value := recover(); value != nil {
				ended <- fmt.Errorf("the check itself panicked: %v\n%s", value, debug.Stack())
			}
		}()
		ended <- k.run(ctx, subject)
	}()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		select {
		case err = <-ended:
		case <-time.After(hungTimeout):
			err = ctx.Err()
		}
	}
	if err != nil && isOver(ctx) {
		return fmt.Errorf("not done within %s: %w", checkTimeout, err)
	}
	if !k.gate && subject.refusesAgain(err) {
		return skipf("not judged, as the destination refuses the sample when it holds it already, and says so; a setting may " +
			"make it replace what is there")
	}
	return err
}

// isOver tells that a check's time is up. A plugin knows the deadline of a call, and may end it a moment before the check does.
func isOver(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return ctx.Err() != nil || has && time.Until(deadline) < time.Second
}
