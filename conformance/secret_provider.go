package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/host"
)

// What a secret provider makes of handles, and where the secrets are that it gives. No result repeats one.

var secretProviderGates = []Check{
	{ID: "secret-provider-resolve", Title: "a handle that it knows stands for a secret", gate: true, needs: needsHandle,
		run: secretProviderResolve},
}

var secretProviderChecks = []Check{
	{ID: "secret-provider-line-end", Title: "a secret of one line has no line break after it", needs: needsHandle,
		run: secretProviderLineEnd},
	{ID: "secret-provider-again", Title: "a handle stands for the same secret again, in another process too", needs: needsHandle,
		run: secretProviderAgain},
	{ID: "secret-provider-parallel", Title: "a handle can be resolved by 8 at once, and stands for the same secret", needs: needsHandle,
		run: secretProviderParallel},
	{ID: "secret-provider-unknown", Title: "an unknown handle is an error, not an empty secret", needs: needsLocation,
		run: secretProviderUnknown},
	{ID: "secret-provider-empty-handle", Title: "an empty handle is an error", needs: needsLocation, run: secretProviderEmptyHandle},
	{ID: "secret-provider-odd-handles", Title: "handles of odd characters, and of 64 KiB, are errors and no crash",
		needs: needsLocation, run: secretProviderOddHandles},
	{ID: "secret-provider-escape", Title: "no handle leads to a file that is none of its secrets", needs: needsLocation,
		run: secretProviderEscape},
	{ID: "secret-provider-malformed", Title: "a malformed Resolve is an error and no crash", needs: needsLocation,
		run: secretProviderMalformed},
	{ID: "secret-provider-error", Title: "a secret is not in the error about another handle", needs: needsHandle,
		run: secretProviderError},
	{ID: "secret-provider-stderr", Title: "a secret is not printed", needs: needsHandle, run: secretProviderStderr},
	{ID: "secret-provider-file", Title: "no secret is left in the temporary folder", needs: needsHandle, run: secretProviderFile},
	{ID: "secret-provider-process", Title: "a secret is not among the arguments and variables of its processes",
		needs: []requirement{hasLocation, hasHandle, procFiles}, run: secretProviderProcess},
	{ID: "secret-provider-cancelled", Title: "a cancelled Resolve ends, and the next succeeds", needs: needsHandle,
		run: secretProviderCancelled},
	{ID: "secret-provider-host-death", Title: "it ends when the host dies within a Resolve", needs: needsHandle,
		run: secretProviderHostDeath},
	{ID: "secret-provider-leaks", Title: "resolving leaves no files, threads or memory behind",
		needs: []requirement{hasLocation, hasHandle, procFiles}, run: secretProviderLeaks},
}

var needsHandle = []requirement{hasLocation, hasHandle}

// unknownHandle is one that no secret provider has.
const unknownHandle = "kpkg-no-such-handle"

// provider starts the plugin as a secret provider. The host is told nothing of what it resolves to.
func (s *subject) provider(ctx context.Context) (*host.Plugin, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	_, err = p.SecretProvider(ctx, s.settings(s.place()))
	return p, err
}

// resolved is the secret of the known handle, once.
func (s *subject) resolved(ctx context.Context, p *host.Plugin) (string, error) {
	secret, err := rawResolve(ctx, p, s.config.Handle)
	if err != nil {
		return "", errors.Join(text(err), p.Cause())
	}
	return secret, nil
}

// secretProviderResolve tells the suite the secret, which is kept out of all that comes after it. What the plugin prints in this
// check is passed on to nobody.
func secretProviderResolve(ctx context.Context, s *subject) error {
	p, _, err := s.watched(ctx)
	if err != nil {
		return err
	}
	if err := s.rawInit(ctx, p, s.settings(s.place()), false); err != nil {
		return errors.Join(text(err), p.Cause())
	}
	secret, err := s.resolved(ctx, p)
	if err == nil && secret == "" {
		err = fmt.Errorf("the secret of %q is empty", s.config.Handle)
	}
	s.learn(secret)
	return err
}

func secretProviderLineEnd(ctx context.Context, s *subject) error {
	p, err := s.provider(ctx)
	if err != nil {
		return err
	}
	secret, err := s.resolved(ctx, p)
	if err == nil && strings.Count(secret, "\n") == 1 && strings.HasSuffix(secret, "\n") {
		err = fmt.Errorf("the secret of %q is one line and the line break after it, as files end", s.config.Handle)
	}
	return err
}

func secretProviderAgain(ctx context.Context, s *subject) error {
	var first string
	for process := range 2 {
		p, err := s.provider(ctx)
		if err != nil {
			return err
		}
		for call := range 3 {
			secret, err := s.resolved(ctx, p)
			if err != nil {
				return fmt.Errorf("call %d in process %d: %w", call+1, process+1, err)
			}
			if process == 0 && call == 0 {
				first = secret
			}
			if secret != first {
				return fmt.Errorf("call %d in process %d gives another secret of %d bytes than the first, of %d", call+1, process+1,
					len(secret), len(first))
			}
		}
	}
	return nil
}

func secretProviderParallel(ctx context.Context, s *subject) error {
	p, err := s.provider(ctx)
	if err != nil {
		return err
	}
	first, err := s.resolved(ctx, p)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for range 8 {
		go func() {
			var secret string
			var err error
			for i := 0; i < 5 && err == nil; i++ {
				if secret, err = s.resolved(ctx, p); err == nil && secret != first {
					err = fmt.Errorf("one of eight at once gives another secret of %d bytes than the one before them, of %d", len(secret), len(first))
				}
			}
			ended <- err
		}()
	}
	for range 8 {
		err = errors.Join(err, <-ended)
	}
	return err
}

func secretProviderUnknown(ctx context.Context, s *subject) error {
	handles := []string{unknownHandle}
	if s.config.Handle != "" {
		handles = append(handles, s.config.Handle+"-"+unknownHandle)
	}
	return s.refused(ctx, handles...)
}

func secretProviderEmptyHandle(ctx context.Context, s *subject) error { return s.refused(ctx, "") }

func secretProviderOddHandles(ctx context.Context, s *subject) error {
	return s.refused(ctx, "\x00", unknownHandle+"\n", "-"+unknownHandle, "--help", "*", `"'`, "{", "/", strings.Repeat("x", 64<<10))
}

// refused holds that handles are errors, each, and that the plugin goes on.
func (s *subject) refused(ctx context.Context, handles ...string) error {
	p, err := s.provider(ctx)
	if err != nil {
		return err
	}
	for _, handle := range handles {
		shown := fmt.Sprintf("%.40q", handle)
		secret, err := rawResolve(ctx, p, handle)
		if err == nil {
			return fmt.Errorf("the handle %s stands for a secret of %d bytes", shown, len(secret))
		}
		if err := s.survived(ctx, p, "Resolve of the handle "+shown); err != nil {
			return err
		}
	}
	return nil
}

// secretProviderEscape asks for a file of its own, in the ways in which a handle may become a path or a command.
func secretProviderEscape(ctx context.Context, s *subject) error {
	p, err := s.provider(ctx)
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, "none-of-its-secrets")
	if err := os.WriteFile(file, []byte(canary), 0o600); err != nil {
		return skipf("making a file: %v", err)
	}
	for _, handle := range []string{
		file, strings.Repeat("../", 20) + file, "a/" + strings.Repeat("../", 20) + file, filepath.Base(file), "./" + filepath.Base(file),
		"file://" + file, "@" + file, "$(cat " + file + ")", "`cat " + file + "`", "; cat " + file, "| cat " + file,
	} {
		if secret, err := rawResolve(ctx, p, handle); err == nil && strings.Contains(secret, canaryMark) {
			return fmt.Errorf("the handle %q gives the content of that file", strings.ReplaceAll(handle, s.dir, ""))
		}
	}
	return s.survived(ctx, p, "handles that are paths")
}

func secretProviderMalformed(ctx context.Context, s *subject) error {
	p, err := s.provider(ctx)
	if err != nil {
		return err
	}
	if err := s.invoke(ctx, p, "Resolve", []byte("\x0a\xff\xff\xff\xff\x0fno protobuf")); err == nil {
		return errors.New("it accepts what is no protobuf message")
	}
	return s.survived(ctx, p, "a malformed Resolve")
}

// shortest is how long a secret must be to be looked for: a shorter one may be anything.
const shortest = 6

// lookedFor is a plugin, and what it prints, that has resolved the known handle, and what tells whether a text shows the secret.
func (s *subject) lookedFor(ctx context.Context) (p *host.Plugin, printed *captured, shows func(string) bool, err error) {
	p, printed, err = s.watched(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := s.rawInit(ctx, p, s.settings(s.place()), false); err != nil {
		return nil, nil, nil, text(err)
	}
	secret, err := s.resolved(ctx, p)
	if err == nil && len(secret) < shortest {
		err = skipf("the secret of %q is too short to be looked for: it has less than %d bytes", s.config.Handle, shortest)
	}
	shows = func(text string) bool { return strings.Contains(text, strings.TrimSpace(secret)) }
	return p, printed, shows, err
}

func secretProviderError(ctx context.Context, s *subject) error {
	p, _, shows, err := s.lookedFor(ctx)
	if err != nil {
		return err
	}
	for _, handle := range []string{unknownHandle, s.config.Handle + unknownHandle, ""} {
		if _, err := rawResolve(ctx, p, handle); err != nil && shows(err.Error()) {
			return fmt.Errorf("the error about the handle %q has the secret of %q in it", handle, s.config.Handle)
		}
	}
	return nil
}

func secretProviderStderr(ctx context.Context, s *subject) error {
	p, printed, shows, err := s.lookedFor(ctx)
	if err != nil {
		return err
	}
	s.invoke(ctx, p, "Close", nil)
	p.EndInput()
	select {
	case <-p.Exited():
	case <-time.After(endTimeout):
	}
	if shows(printed.String()) {
		return fmt.Errorf("it prints the secret of %q", s.config.Handle)
	}
	return nil
}

func secretProviderFile(ctx context.Context, s *subject) error {
	p, _, shows, err := s.lookedFor(ctx)
	if err != nil {
		return err
	}
	s.invoke(ctx, p, "Close", nil)
	p.Close()
	return s.leftInFile("the secret", shows)
}

func secretProviderProcess(ctx context.Context, s *subject) error {
	p, _, shows, err := s.lookedFor(ctx)
	if err != nil {
		return err
	}
	where, err := exposed(p, shows)
	if err == nil && where != "" {
		err = fmt.Errorf("the secret of %q is in a process's %s, where others can see it", s.config.Handle, where)
	}
	return err
}

func secretProviderCancelled(ctx context.Context, s *subject) error {
	p, err := s.provider(ctx)
	if err != nil {
		return err
	}
	for _, after := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
		short, cancel := context.WithCancel(ctx)
		time.AfterFunc(after, cancel)
		rawResolve(short, p, s.config.Handle)
		cancel()
	}
	_, err = s.resolved(ctx, p)
	return err
}

// secretProviderHostDeath breaks off once the plugin has answered what was sent after the Resolves, which it has read by then.
func secretProviderHostDeath(ctx context.Context, s *subject) error {
	p, err := s.provider(ctx)
	if err != nil {
		return err
	}
	if _, err := s.resolved(ctx, p); err != nil {
		return err
	}
	for range 8 {
		if err := sendResolve(ctx, p, s.config.Handle); err != nil {
			return text(err)
		}
	}
	if err := s.survived(ctx, p, "eight Resolves"); err != nil {
		return err
	}
	p.BreakOff()
	return ends(ctx, p.Exited(), "the death of its host")
}

func secretProviderLeaks(ctx context.Context, s *subject) error {
	p, err := s.provider(ctx)
	if err != nil {
		return err
	}
	return leaksNothing(p, func() error {
		for range 5 {
			if _, err := s.resolved(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
}
