package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// remote is a server that keeps what it is given in files of this machine.
type remote struct {
	dir   string                   // the folder that locations are in
	at    func(name string) string // the location of a file or folder in it
	close func() error
	// theirs and ours are the settings of upstream's connectors and of those of the example.
	theirs, ours []string
}

// The rivals are two integrations for the same protocol.
var rivals = [...]string{"upstream's", "kpkg's example"}

// closedTooSoon is what the client ends with, seldom, when it has restored all and still tells of the last file (kloset v1.1.3,
// events.go): such a run does not count.
const closedTooSoon = "panic: send on closed channel"

// rival is one of them, with a client that has it.
type rival struct {
	settings []string
	client   *rig.Client
}

// journey is one of the four in which files go to a server and come from it.
type journey int

const (
	fromServer journey = iota // a backup through the importer
	toServer                  // a restore through the exporter
	intoStore                 // a backup into a store, through the storage
	fromStore                 // a restore from it
)

// remoted is a group that runs upstream's integration and that of the examples with the real client, on the same server, whose files
// are in memory: it stands for another machine, whose disk is not what is measured.
func remoted(j journey, protocol string, start func(context.Context, place) (*remote, error)) func(*bencher, context.Context) error {
	return placed(func(b *bencher, ctx context.Context, p place) error {
		t := &travel{b: b, p: p, journey: j, protocol: protocol, start: start}
		return t.all(ctx)
	}, inMemoryPlace)
}

// startSFTP starts OpenSSH's server.
func startSFTP(ctx context.Context, p place) (*remote, error) {
	server, err := rig.StartSSHServer(ctx)
	if err != nil {
		return nil, err
	}
	dir := p.within("sftp")
	return &remote{
		dir: dir, close: server.Close,
		at: func(name string) string {
			return "sftp://" + server.User + "@" + server.Address + filepath.Join(dir, name)
		},
		theirs: []string{"identity=" + server.Identity, "insecure_ignore_host_key=true"},
		ours:   []string{"identity=" + server.Identity, "agent=-", "host_key=" + strings.TrimSpace(server.HostKey)},
	}, os.Mkdir(dir, 0o755)
}

// startS3 starts versitygw, with TLS.
func startS3(ctx context.Context, p place) (*remote, error) {
	program, err := rig.BuildS3Server(ctx, p.dir)
	if err != nil {
		return nil, err
	}
	server, err := rig.StartS3Server(program)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(server.Buckets, "bucket")
	return &remote{
		dir: dir, close: server.Close,
		at:     func(name string) string { return "s3://" + server.Address + "/bucket/" + name },
		theirs: []string{"access_key=" + rig.S3AccessKey, "secret_access_key=" + rig.S3Secret, "tls_insecure_no_verify=true"},
		ours:   server.Settings(""),
	}, nil
}

// travel is what is measured of one server, which is started when the first of it is.
type travel struct {
	b        *bencher
	p        place
	journey  journey
	protocol string
	start    func(context.Context, place) (*remote, error)

	r      *remote
	rivals []*rival
	runs   int // each of which has places of its own: a server may keep more of what was in one than its files
}

// all measures two trees.
func (t *travel) all(ctx context.Context) (err error) {
	defer func() {
		for _, c := range t.rivals {
			err = errors.Join(err, c.client.Close())
		}
		if t.r != nil {
			err = errors.Join(err, t.r.close(), os.RemoveAll(t.r.dir))
		}
	}()
	ready := once(t.prepare)
	for _, load := range []tree{equal("5,000 x 4 KB", 5000, 4<<10), equal("1 x 1 GB", 1, 1<<30)} {
		if err := t.measure(ctx, load, ready); err != nil {
			return err
		}
	}
	return nil
}

// prepare starts the server, and makes the packages and a client for each.
func (t *travel) prepare(ctx context.Context) (err error) {
	if t.r, err = t.start(ctx, t.p); err != nil {
		return err
	}
	upstream, err := t.b.upstream(ctx, t.p)
	if err != nil {
		return err
	}
	for i, c := range [len(rivals)]struct {
		source   string
		settings []string
	}{
		{filepath.Join(upstream, t.protocol), t.r.theirs},
		{filepath.Join(rig.Root(), "examples", t.protocol), t.r.ours},
	} {
		client, err := t.b.tools.NewClient()
		if err != nil {
			return err
		}
		t.rivals = append(t.rivals, &rival{c.settings, client})
		file := t.p.within(fmt.Sprintf("%s_v9.9.%d_%s_%s.ptar", t.protocol, i, runtime.GOOS, runtime.GOARCH))
		if _, err := t.b.kpkg("create", c.source, fmt.Sprintf("v9.9.%d", i), "--quiet", "--force", "-o", file)(ctx); err != nil {
			return err
		}
		if err := quietly(ctx, client, "pkg", "add", file); err != nil {
			return err
		}
	}
	return t.store(ctx, t.rivals[1]) // which makes a bucket that is one to both
}

// store makes a store for a client, at a new place.
func (t *travel) store(ctx context.Context, c *rival) error {
	t.runs++
	if err := t.keep(c); err != nil {
		return err
	}
	return quietly(ctx, c.client, "at", "@kept", "create", "-plaintext")
}

// upstream is a clone of upstream's integrations.
func (b *bencher) upstream(ctx context.Context, p place) (string, error) {
	dir := p.within("integrations")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	out, err := exec.CommandContext(ctx, "git", "clone", "-q", "--depth", "1", b.integrations, dir).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("clone %s: %w: %s", b.integrations, err, out)
	}
	return dir, err
}

// measure measures the journey of a tree. What is restored is stored once, what is stored goes to a new place each time.
func (t *travel) measure(ctx context.Context, load tree, ready func(context.Context) error) error {
	local, restored := t.p.within("local"), t.p.within("restored")
	source := func() string { return filepath.Join(t.r.dir, "source") }
	grown := once(func(ctx context.Context) error {
		if err := ready(ctx); err != nil {
			return err
		}
		return load.make(source())
	})
	clean := func() error {
		return errors.Join(os.RemoveAll(local), os.RemoveAll(restored), t.remove())
	}
	filled := func(ctx context.Context) error {
		err := grown(ctx)
		for _, args := range [][]string{{"create", "-plaintext"}, {"backup", "-no-progress", "fs://" + source()}} {
			if err == nil {
				err = quietly(ctx, t.p.client, append([]string{"at", "fs://" + local}, args...)...)
			}
		}
		for _, c := range t.rivals { // what a client learns of a store at first is not measured
			if err == nil {
				err = quietly(ctx, c.client, "at", "fs://"+local, "ls")
			}
		}
		return err
	}
	backup := func(*rival) []string { return []string{"at", "@kept", "backup", "-no-progress", "fs://" + source()} }
	stored := func(ctx context.Context) error {
		if err := grown(ctx); err != nil {
			return err
		}
		for _, c := range t.rivals {
			if err := t.store(ctx, c); err != nil {
				return err
			}
			if err := quietly(ctx, c.client, backup(c)...); err != nil {
				return err
			}
		}
		return nil
	}
	c := contest{name: load.name, setUp: grown, tearDown: clean}
	var before func(context.Context, *rival) error
	var args func(*rival) []string
	switch t.journey {
	case fromServer:
		before = func(ctx context.Context, c *rival) error {
			if err := os.RemoveAll(local); err != nil {
				return err
			}
			return quietly(ctx, c.client, "at", "fs://"+local, "create", "-plaintext")
		}
		args = func(c *rival) []string {
			return slices.Concat([]string{"at", "fs://" + local, "backup", "-no-progress"}, c.options(), []string{t.r.at("source")})
		}
	case toServer:
		c.setUp, before = filled, func(context.Context, *rival) error { return t.remove() }
		args = func(c *rival) []string {
			return slices.Concat([]string{"at", "fs://" + local, "restore"}, c.options(), []string{"-to", t.r.at(t.now("target"))})
		}
	case intoStore:
		before = func(ctx context.Context, c *rival) error { return errors.Join(t.remove(), t.store(ctx, c)) }
		args = backup
	case fromStore:
		c.setUp, before = stored, func(context.Context, *rival) error { return os.RemoveAll(restored) }
		args = func(*rival) []string { return []string{"at", "@kept", "restore", "-to", "fs://" + restored} }
	}
	for i, name := range rivals {
		prepare := func(ctx context.Context) error {
			t.runs++
			return before(ctx, t.rivals[i])
		}
		c.contenders = append(c.contenders, contender{name: name, before: prepare, run: func(ctx context.Context) (s sample, err error) {
			for range 3 {
				s, err = watched(ctx, t.rivals[i].client, args(t.rivals[i]))
				if err == nil || !strings.Contains(err.Error(), closedTooSoon) {
					break
				}
				if again := prepare(ctx); again != nil {
					return s, errors.Join(err, again)
				}
			}
			return s, err
		}})
	}
	if err := t.b.hold(ctx, c); err != nil || t.r == nil {
		return err
	}
	return os.RemoveAll(source())
}

// now is the name of something of this run.
func (t *travel) now(name string) string { return fmt.Sprint(name, "-", t.runs) }

// remove removes what runs have left on the server.
func (t *travel) remove() error {
	if t.r == nil {
		return nil
	}
	var left []string
	for _, name := range []string{"store", "target"} {
		found, err := filepath.Glob(filepath.Join(t.r.dir, name+"-*"))
		if err != nil {
			return err
		}
		left = append(left, found...)
	}
	var err error
	for _, name := range left {
		err = errors.Join(err, os.RemoveAll(name))
	}
	return err
}

// options are the settings, as the client's commands take them.
func (c *rival) options() []string {
	var all []string
	for _, setting := range c.settings {
		all = append(all, "-o", setting)
	}
	return all
}

// keep configures the store @kept of a client, at the place of this run.
func (t *travel) keep(c *rival) error {
	dir := filepath.Join(c.client.Home(), "config", "plakar")
	var stores strings.Builder
	fmt.Fprintf(&stores, "version: v1.0.0\nstores:\n  kept:\n    location: %q\n", t.r.at(t.now("store")))
	for _, setting := range c.settings {
		key, value, _ := strings.Cut(setting, "=")
		fmt.Fprintf(&stores, "    %s: %q\n", key, value)
	}
	err := os.MkdirAll(dir, 0o700)
	for name, text := range map[string]string{
		"stores.yml": stores.String(), "sources.yml": "version: v1.0.0\nsources: {}\n", "destinations.yml": "version: v1.0.0\ndestinations: {}\n",
	} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return err
}
