package conformance

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/sdk/secrets"
)

// suite is the test of one connector.
type suite struct {
	config        Config
	manifestFlags location.Flags
	temporary     string
	secrets       secrets.Set
	sdk           sdk
	// location is where to work; "" if there is none. folder is the local folder it is, if it is the test's own.
	location string
	folder   string
	tree     *tree // what an importer finds in folder
	sample   items // the author's, of what an exporter accepts; nil if that is any file

	sampleExport sampleExport
	importing    sync.Once
	listed       *listing
	listError    error

	rereading   sync.Once
	changes     map[string]bool
	rereadError error
}

func newSuite(config Config, temporary string) (*suite, error) {
	s := &suite{config: config, temporary: temporary, sdk: sdkOf(config.Executable)}
	given := host.ParseLocation(config.Settings["location"])
	s.learn(slices.Concat(config.Secrets, given.Secrets(), config.writeOnly())...)
	var err error
	if s.manifestFlags, err = config.flags(); err != nil {
		return nil, err
	}
	if s.location, err = completed(config.Settings["location"], config.Protocol, s.manifestFlags, "."); err != nil {
		return nil, err
	}
	if s.location != "" {
		s.config.Settings = maps.Clone(config.Settings)
		s.config.Settings["location"] = s.location
	}
	if config.Sample != "" {
		if s.sample, err = readSample(config.Sample); err != nil {
			return nil, err
		}
	}
	if s.location == "" && config.worksAtLocation() && !config.lacksLocation() {
		s.folder = filepath.Join(temporary, "files")
		s.location = s.local(s.folder)
		if config.Type == Importer {
			s.tree, err = makeTree(s.folder)
		}
	}
	return s, err
}

// learn adds to the secrets of the test.
func (s *suite) learn(others ...string) {
	s.secrets.Learn(s.config.Settings, others...)
}

// completed is a location as plakar gives it to connectors: with the flag localfs, a path that is relative to the folder dir
// becomes absolute. Plugins do not run in that folder.
func completed(given, protocol string, flags location.Flags, dir string) (string, error) {
	at := host.ParseLocation(given)
	if at.Protocol != protocol {
		return given, nil
	}
	if flags&location.FLAG_LOCALFS != 0 {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("completing the location: %w", err)
		}
		at = at.Below(dir)
	}
	return at.String(), nil
}

// sideBySide is how many checks may run at once: one at a given location, where they write to one place, or ask a server
// that allows a user a few connections.
func (s *suite) sideBySide() int {
	if s.folder == "" {
		return 1
	}
	return sideBySide
}

// local is the location of a local path.
func (s *suite) local(name string) string { return s.config.Protocol + "://" + filepath.ToSlash(name) }

func (s *suite) redact(text string) string { return s.secrets.Cut(text) }

// subject is the connector as one check sees it: in processes and a folder of the check's own.
type subject struct {
	*suite
	dir string // empty, and the check's

	mu      sync.Mutex
	plugins []*host.Plugin
	starts  atomic.Int64
}

// end leaves no process behind.
func (s *subject) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.plugins {
		p.Kill()
	}
}

// start starts the plugin.
func (s *subject) start(ctx context.Context) (*host.Plugin, error) {
	return s.startProgram(ctx, s.config.Program, s.hostOptions(": "))
}

// hostOptions are the options of a host that passes on what a plugin prints. It knows the secrets of the test from the
// beginning, as not every check tells them to it with Init. The name of the check goes before every line.
func (s *subject) hostOptions(after string) host.Options {
	return host.Options{Stderr: s.config.Stderr, Prefix: filepath.Base(s.dir) + after, Secrets: s.secrets.All()}
}

func (s *subject) startProgram(ctx context.Context, program Program, opts host.Options) (*host.Plugin, error) {
	opts.Args, opts.Dir, opts.Emulator, opts.Container = program.Args, s.dir, program.Emulator, program.Container
	// What one leaves behind, such as the socket of a process that was ended with it, is not to be found by the next.
	temporary := filepath.Join(s.temporaryFolder(), strconv.FormatInt(s.starts.Add(1), 10))
	if err := os.MkdirAll(temporary, 0o700); err != nil {
		return nil, skipf("making a temporary folder: %v", err)
	}
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		opts.Env = append(opts.Env, name+"="+temporary)
	}
	p, err := host.Start(ctx, program.Executable, opts)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.plugins = append(s.plugins, p)
	s.mu.Unlock()
	return p, nil
}

// temporaryFolder has those of the check's plugins, one each. Their paths are short, as plugins may make sockets there.
func (s *subject) temporaryFolder() string { return filepath.Join(s.dir, "tmp") }

// place is where the check works: where there is something to import, or where nothing was written before. Without a
// location it is "".
func (s *subject) place() string {
	switch {
	case s.location == "" || s.config.Type == Importer:
		return s.location
	case s.folder != "":
		return s.local(s.target())
	case s.config.placed():
	case s.config.SingleFile:
		return s.beside(s.name())
	case s.config.Type == Storage:
		return s.location + "/" + s.name()
	}
	return s.location
}

// beside is the location of a file beside the one that is the location, with its extension.
func (s *suite) beside(name string) string {
	name += path.Ext(s.location)
	return s.location[:strings.LastIndexAny(s.location, "/:")+1] + name
}

// name is one that nothing had before, neither in another run nor, for a storage and a single file, in another check. An
// exporter's checks look at what others have written.
func (s *subject) name() string {
	if s.config.Type == Storage || s.config.SingleFile {
		return filepath.Base(s.temporary) + "-" + filepath.Base(s.dir)
	}
	return filepath.Base(s.temporary)
}

// settings are the connector's, with another location.
func (s *subject) settings(location string) map[string]string { return s.config.at(location, s.name()) }

// target is the folder of place, or its file, for exporters and storages of local files.
func (s *subject) target() string { return filepath.Join(s.dir, "target") }

// makeTarget makes the local folder to export to.
func (s *subject) makeTarget() error {
	if s.folder == "" || s.config.SingleFile {
		return nil
	}
	if err := os.Mkdir(s.target(), 0o755); err != nil {
		return skipf("making a folder to export to: %v", err)
	}
	return nil
}

// options are what a host says of itself.
func (s *subject) options() *connectors.Options {
	return &connectors.Options{
		Hostname: "localhost", OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH, CWD: s.dir, MaxConcurrency: 4,
	}
}

// connector is what all connectors have in common.
type connector interface {
	Close(context.Context) error
}

// located is what importers, exporters and storages have in common.
type located interface {
	connector
	Origin() string
	Type() string
	Root() string
	Flags() location.Flags
	Ping(context.Context) error
}

// connect starts the plugin and initializes its connector, of whatever type.
func (s *subject) connect(ctx context.Context, settings map[string]string) (*host.Plugin, connector, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.initialize(ctx, p, settings)
	return p, c, err
}

func (s *subject) initialize(ctx context.Context, p *host.Plugin, settings map[string]string) (connector, error) {
	switch s.config.Type {
	case SecretProvider:
		return p.SecretProvider(ctx, settings)
	case Inventory:
		return p.Inventory(ctx, settings)
	}
	return s.initializeLocated(ctx, p, settings)
}

func (s *subject) initializeLocated(ctx context.Context, p *host.Plugin, settings map[string]string) (located, error) {
	switch s.config.Type {
	case Importer:
		return p.Importer(ctx, s.options(), s.config.Protocol, settings)
	case Exporter:
		return p.Exporter(ctx, s.options(), s.config.Protocol, settings)
	}
	return p.Storage(ctx, s.config.Protocol, settings)
}

// use makes the simplest call that a connector has, whatever it answers.
func (s *subject) use(ctx context.Context, c connector) {
	switch c := c.(type) {
	case located:
		c.Ping(ctx)
	case *host.SecretProvider:
		c.Resolve(ctx, s.config.Handle)
	case *host.Inventory:
		c.List(ctx, func(*host.InventoryEntry) error { return nil })
	}
}

// importer starts the plugin as the importer of the test's source.
func (s *subject) importer(ctx context.Context) (*host.Plugin, importer.Importer, error) {
	return s.importerOf(ctx, s.location, s.options())
}

func (s *subject) importerOf(
	ctx context.Context, location string, opts *connectors.Options,
) (*host.Plugin, importer.Importer, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	imp, err := p.Importer(ctx, opts, s.config.Protocol, s.settings(location))
	return p, imp, err
}

// exporter starts the plugin as an exporter to the check's place.
func (s *subject) exporter(ctx context.Context) (*host.Plugin, exporter.Exporter, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	exp, err := p.Exporter(ctx, s.options(), s.config.Protocol, s.settings(s.place()))
	return p, exp, err
}

// exporterTo starts the plugin as an exporter to the check's place, which it makes first.
func (s *subject) exporterTo(ctx context.Context) (*host.Plugin, exporter.Exporter, error) {
	if err := s.makeTarget(); err != nil {
		return nil, nil, err
	}
	return s.exporter(ctx)
}

// store starts the plugin as the storage at the check's place.
func (s *subject) store(ctx context.Context) (*host.Plugin, storage.Store, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	store, err := p.Storage(ctx, s.config.Protocol, s.settings(s.place()))
	return p, store, err
}

// created is a storage that was created at the check's place, and is open.
func (s *subject) created(ctx context.Context) (*host.Plugin, storage.Store, error) {
	p, store, err := s.store(ctx)
	if err != nil {
		return nil, nil, err
	}
	return p, store, store.Create(ctx, storageConfig)
}
