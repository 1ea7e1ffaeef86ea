package conformance

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// What a plugin is as a process: the signals it heeds, and what of its configuration can be seen from outside.

var processChecks = []Check{
	{ID: "plugin-sigterm", Title: "SIGTERM ends it", needs: []requirement{unix}, run: endedBy(syscall.SIGTERM)},
	{ID: "plugin-sigint", Title: "SIGINT ends it", needs: []requirement{unix}, run: endedBy(syscall.SIGINT)},
	{ID: "plugin-leaves-no-process", Title: "nothing that it has started outlives it",
		needs: []requirement{hasLocation, procFiles}, run: pluginLeavesNoProcess},
	{ID: "plugin-secret-file", Title: "no password is left in the temporary folder", needs: needsLocation, run: pluginSecretFile},
	{ID: "plugin-secret-stderr", Title: "a password is not printed", needs: needsLocation, run: pluginSecretStderr},
	{ID: "plugin-secret-error", Title: "a password is not in errors", run: pluginSecretError},
	{ID: "plugin-secret-process", Title: "a password is not among the arguments and variables of its processes",
		needs: []requirement{hasLocation, procFiles}, run: pluginSecretProcess},
}

func endedBy(signal os.Signal) func(context.Context, *subject) error {
	return func(ctx context.Context, s *subject) error {
		p, err := s.start(ctx)
		if err != nil {
			return err
		}
		if hasLocation(s) == "" {
			if _, err := s.initialize(ctx, p, s.settings(s.place())); err != nil {
				return err
			}
		}
		if err := p.Process().Signal(signal); err != nil {
			return skipf("sending the signal: %v", err)
		}
		return ends(ctx, p.Exited(), "the signal")
	}
}

// finished is a plugin that was used, closed and has ended by itself, or was ended when it did not.
func (s *subject) finished(ctx context.Context, settings map[string]string) (*host.Plugin, error) {
	p, c, err := s.connect(ctx, settings)
	if err != nil {
		return p, err
	}
	s.use(ctx, c)
	c.Close(ctx)
	p.Close() // plugin-exit-in-time judges it
	return p, nil
}

func pluginLeavesNoProcess(ctx context.Context, s *subject) error {
	p, err := s.finished(ctx, s.settings(s.place()))
	if err != nil {
		return err
	}
	if left := p.Left(); len(left) > 0 {
		return fmt.Errorf("after Close and its end there still run %s; each backup and restore leaves as many, until somebody "+
			"ends them", firstFew(left))
	}
	return nil
}

// pluginSecretFile looks into the temporary folder of a plugin that has ended.
func pluginSecretFile(ctx context.Context, s *subject) error {
	var refused error
	for _, settings := range s.secretSettings(s.place()) {
		p, _, err := s.watched(ctx)
		if err != nil {
			return err
		}
		refused = s.rawInit(ctx, p, settings, false)
		s.rawUse(ctx, p)
		s.invoke(ctx, p, "Close", nil)
		p.Close()
		if err := s.leftInFile("the password", s.shows); err != nil {
			return err
		}
	}
	return notJudged(refused)
}

// maxLeftFile is how much of a file that a plugin leaves is searched for secrets, in bytes.
const maxLeftFile = 16 << 20

// leftInFile is the error about a file in the temporary folder that shows a secret.
func (s *subject) leftInFile(secret string, shows func(text string) bool) error {
	return filepath.WalkDir(s.temporaryFolder(), func(name string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := regular.Read(name, maxLeftFile)
		if err != nil {
			return err
		}
		if shows(string(content)) {
			return fmt.Errorf("it leaves %s in the temporary folder, with %s in it", entry.Name(), secret)
		}
		return nil
	})
}

// canary is a password with characters that are written in other ways between quotes and in URLs. Its mark is found in
// whichever form it gets out.
const (
	canary     = `kpkg"canary%` + canaryMark
	canaryMark = "4f7a1c"
)

// captured is what a plugin prints, as it is.
type captured struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *captured) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(p)
}

func (c *captured) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}

// watched starts the plugin and keeps what it prints. The host is not told what is secret, so that it cuts out nothing.
func (s *subject) watched(ctx context.Context) (*host.Plugin, *captured, error) {
	printed := &captured{}
	p, err := s.startProgram(ctx, s.config.Program, host.Options{Stderr: printed})
	return p, printed, err
}

// secretSettings are the configurations to look for secrets with: the canary is the password, unless a real one is given.
// Then there is a second configuration, the one that is given, for connectors that refuse keys that they do not know.
func (s *subject) secretSettings(location string) []map[string]string {
	given, all := s.settings(location), s.settings(location)
	for _, key := range []string{"password", "secret_access_key", "token"} {
		if _, own := given[key]; !own {
			all[key] = canary
		}
	}
	if len(s.secrets.All()) == 0 {
		return []map[string]string{all}
	}
	return []map[string]string{all, given}
}

// hidden is a text without the secrets, which has changed if there was one in it.
func (s *subject) hidden(text string) string {
	return s.redact(strings.ReplaceAll(text, canaryMark, "***"))
}

// shows tells whether there is a secret in a text.
func (s *subject) shows(text string) bool { return s.hidden(text) != text }

func pluginSecretStderr(ctx context.Context, s *subject) error {
	var refused error
	for _, settings := range s.secretSettings(s.place()) {
		p, printed, err := s.watched(ctx)
		if err != nil {
			return err
		}
		refused = s.rawInit(ctx, p, settings, false)
		s.rawUse(ctx, p)
		s.invoke(ctx, p, "Close", nil)
		p.EndInput()
		select {
		case <-p.Exited():
		case <-time.After(endTimeout):
		}
		for line := range strings.Lines(printed.String()) {
			if hidden := s.hidden(line); hidden != line {
				return fmt.Errorf("it prints %q", strings.TrimSpace(hidden))
			}
		}
	}
	return notJudged(refused)
}

// notJudged skips what was seen no further than Init.
func notJudged(refused error) error {
	if refused != nil {
		return skipf("Init refuses the configuration that a password was looked for with: %v", text(refused))
	}
	return nil
}

func pluginSecretError(ctx context.Context, s *subject) error {
	for _, location := range []string{s.missing(), "", s.config.Protocol + "://\x01?://"} {
		for _, settings := range s.secretSettings(location) {
			p, _, err := s.watched(ctx)
			if err != nil {
				return err
			}
			if err := s.rawInit(ctx, p, settings, false); err != nil && s.hidden(err.Error()) != err.Error() {
				return fmt.Errorf("the error of Init is %q", s.hidden(text(err).Error()))
			}
		}
	}
	return nil
}

func pluginSecretProcess(ctx context.Context, s *subject) error {
	var refused error
	for _, settings := range s.secretSettings(s.place()) {
		p, _, err := s.watched(ctx)
		if err != nil {
			return err
		}
		if where, err := exposed(p, s.shows); err != nil || where != "" {
			return cmp.Or(err, skipf("before Init there is already something like the password in a process's %s", where))
		}
		refused = s.rawInit(ctx, p, settings, false)
		where, err := exposed(p, s.shows)
		if err != nil {
			return err
		}
		if where != "" {
			return fmt.Errorf("the password is in a process's %s, where others can see it", where)
		}
	}
	return notJudged(refused)
}

// exposed says in what of a plugin's processes a text shows a secret, where others can see it; "" if none does.
func exposed(p *host.Plugin, shows func(text string) bool) (string, error) {
	processes, err := group(p.Process().Pid)
	if err != nil {
		return "", skipf("listing the plugin's processes: %v", err)
	}
	for _, pid := range processes {
		for file, what := range map[string]string{"cmdline": "arguments", "environ": "environment"} {
			content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err != nil && pid == p.Process().Pid {
				return "", skipf("reading the process's %s: %v", what, err)
			}
			if shows(string(content)) {
				return what, nil
			}
		}
	}
	return "", nil
}

// group lists the processes of a process group, which a plugin and what it starts are.
func group(leader int) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	var pids []int
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// proc(5): the pid, the name in parentheses, the state, the parent, the group.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 3 || fields[2] != strconv.Itoa(leader) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}

// missing is a location where nothing is.
func (s *subject) missing() string {
	if s.location == "" {
		return s.config.Protocol + "://localhost/kpkg-no-such-place"
	}
	if s.config.SingleFile {
		return s.beside("kpkg-no-such-place")
	}
	return strings.TrimSuffix(s.location, "/") + "/kpkg-no-such-place"
}
