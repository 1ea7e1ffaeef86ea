package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/host"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Every plugin is one process that serves one connector.

var pluginGates = []Check{
	{ID: "plugin-starts", Title: "it starts and speaks gRPC on its standard output, and nothing else", gate: true,
		run: pluginStarts},
	{ID: "plugin-init", Title: "Init succeeds", gate: true, needs: needsLocation, run: pluginInit},
}

// locatedChecks are for connectors that work at a location.
var locatedChecks = []Check{
	{ID: "plugin-identity", Title: "what Init returns makes sense", needs: needsLocation, run: pluginIdentity},
	{ID: "plugin-flags", Title: "the flags of Init are the manifest's",
		needs: []requirement{hasLocation, flagsKnown}, run: pluginFlags},
	{ID: "plugin-ping", Title: "Ping succeeds, again and again and side by side", needs: needsLocation, run: pluginPing},
	{ID: "plugin-minimal-init", Title: "Init without the host's options succeeds", needs: needsLocation, run: pluginMinimalInit},
}

var pluginChecks = []Check{
	{ID: "plugin-close", Title: "Close succeeds", needs: needsLocation, run: pluginClose},
	{ID: "plugin-uninitialized", Title: "calls before Init are errors", run: pluginUninitialized},
	{ID: "plugin-unknown-method", Title: "a method it does not know is unimplemented", run: pluginUnknownMethod},
	{ID: "plugin-malformed-init", Title: "a malformed Init is an error and no crash", run: pluginMalformedInit},
	{ID: "plugin-empty-init", Title: "an empty Init is no crash", run: pluginEmptyInit},
	{ID: "plugin-large-config", Title: "a configuration of 3 MiB is accepted", needs: needsLocation, run: pluginLargeConfig},
	{ID: "plugin-exit-status", Title: "after Close and the end of its input it exits with status 0", needs: needsLocation,
		run: pluginExitStatus},
	{ID: "plugin-exit-in-time", Title: "it ends within 5 seconds of its input, without a Close", run: pluginExitInTime},
	{ID: "plugin-exit-uninitialized", Title: "it ends when the host ends before any call", run: pluginExitUninitialized},
}

func pluginStarts(ctx context.Context, s *subject) error {
	if s.sdk.old {
		return fmt.Errorf("it is built on %s, whose protocol is plakar v1.0's: no plakar that installs packages can use it; "+
			"kpkg's SDK and go-kloset-sdk v1.1.0 speak today's", s.sdk.name)
	}
	_, err := s.start(ctx)
	return err
}

func pluginInit(ctx context.Context, s *subject) error {
	_, _, err := s.connect(ctx, s.settings(s.place()))
	return err
}

func pluginIdentity(ctx context.Context, s *subject) error {
	c, err := s.atLocation(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.Type() == "":
		return errors.New("the type is empty")
	case !utf8.ValidString(c.Type() + c.Origin() + c.Root()):
		return fmt.Errorf("type %q, origin %q and root %q are not all UTF-8", c.Type(), c.Origin(), c.Root())
	case c.Flags()&^(location.FLAG_LOCALFS|location.FLAG_FILE|location.FLAG_STREAM|
		location.FLAG_NEEDACK|location.FLAG_NOMERGE|location.FLAG_EXPORTXATTR) != 0:
		return fmt.Errorf("flags %#x are more than there are", uint32(c.Flags()))
	case s.config.Type == Importer && !strings.HasPrefix(c.Root(), "/"):
		return fmt.Errorf("the root %q is not an absolute path with slashes", c.Root())
	}
	return nil
}

func pluginFlags(ctx context.Context, s *subject) error {
	c, err := s.atLocation(ctx)
	if err != nil {
		return err
	}
	if text := host.DifferentFlags(c.Flags(), s.manifestFlags); text != "" {
		return errors.New(text)
	}
	return nil
}

// atLocation is the connector at the check's place.
func (s *subject) atLocation(ctx context.Context) (located, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	return s.initializeLocated(ctx, p, s.settings(s.place()))
}

// ready is a connector that is fit for work: of a storage, one that was created.
func (s *subject) ready(ctx context.Context) (connector, error) {
	if s.config.Type == Storage {
		_, store, err := s.created(ctx)
		if err != nil {
			err = skipf("not judged, because no storage could be created: %v", err) // storage-create judges it
		}
		return store, err
	}
	_, c, err := s.connect(ctx, s.settings(s.place()))
	return c, err
}

func pluginPing(ctx context.Context, s *subject) error {
	c, err := s.ready(ctx)
	if err != nil {
		return err
	}
	pinged := c.(located) // the others are not held to this
	pings := make(chan error)
	for range 4 {
		go func() {
			var err error
			for i := 0; i < 25 && err == nil; i++ {
				err = pinged.Ping(ctx)
			}
			pings <- err
		}()
	}
	for range 4 {
		err = errors.Join(err, <-pings)
	}
	return err
}

func pluginClose(ctx context.Context, s *subject) error {
	c, err := s.ready(ctx)
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

func pluginUninitialized(ctx context.Context, s *subject) error {
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	methods := map[string][]string{
		Importer: {"Ping"}, Exporter: {"Ping"}, Storage: {"Ping", "Open", "Mode", "Size", "List"},
		SecretProvider: {"Resolve"}, Inventory: {"List"},
	}
	for _, method := range methods[s.config.Type] {
		if err := s.invoke(ctx, p, method, nil); err == nil {
			return fmt.Errorf("%s succeeds before Init", method)
		}
		if err := s.survived(ctx, p, method+" before Init"); err != nil {
			return err
		}
	}
	return nil
}

func pluginUnknownMethod(ctx context.Context, s *subject) error {
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	if err := s.invoke(ctx, p, "NoSuchMethod", nil); status.Code(err) != codes.Unimplemented {
		return fmt.Errorf("it answers %v, and should say Unimplemented", text(err))
	}
	return s.survived(ctx, p, "a call of a method that does not exist")
}

func pluginMalformedInit(ctx context.Context, s *subject) error {
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	if err := s.invoke(ctx, p, "Init", []byte("\x12\xff\xff\xff\xff\x0fno protobuf")); err == nil {
		return errors.New("it accepts what is no protobuf message")
	}
	return s.survived(ctx, p, "a malformed Init")
}

func pluginEmptyInit(ctx context.Context, s *subject) error {
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	s.invoke(ctx, p, "Init", nil) // accepted or refused: a connector may do with nothing
	return s.survived(ctx, p, "an empty Init")
}

func pluginMinimalInit(ctx context.Context, s *subject) error {
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	if err := s.rawInit(ctx, p, s.settings(s.place()), true); err != nil {
		return errors.Join(text(err), p.Cause())
	}
	return nil
}

// pluginLargeConfig stays below the 4 MiB that gRPC's servers accept by default.
func pluginLargeConfig(ctx context.Context, s *subject) error {
	settings := s.settings(s.place())
	settings["kpkg_test_padding"] = strings.Repeat("x", 3<<20)
	_, _, err := s.connect(ctx, settings)
	if err != nil {
		settings["kpkg_test_padding"] = "x"
		if _, _, small := s.connect(ctx, settings); small != nil {
			return skipf("Init refuses a key that it does not know, however short: %v", small)
		}
	}
	return err
}

func pluginExitStatus(ctx context.Context, s *subject) error {
	p, c, err := s.connect(ctx, s.settings(s.place()))
	if err != nil {
		return err
	}
	c.Close(ctx) // plugin-close judges it
	p.EndInput()
	select {
	case <-p.Exited():
		return p.Close()
	case <-time.After(endTimeout):
		return nil // plugin-exit-in-time judges it
	}
}

// endTimeout is how long a plugin may outlive its host. It is more than a connector needs and less than anybody notices.
const endTimeout = 5 * time.Second

// ends checks that the plugin ends by itself.
func ends(ctx context.Context, exited <-chan struct{}, after string) error {
	select {
	case <-exited:
		return nil
	case <-time.After(endTimeout):
		return fmt.Errorf("it still runs %s after %s", endTimeout, after)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func pluginExitInTime(ctx context.Context, s *subject) error {
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	if hasLocation(s) == "" {
		if _, err := s.initialize(ctx, p, s.settings(s.place())); err != nil {
			return err
		}
	}
	p.EndInput()
	return ends(ctx, p.Exited(), "the end of its standard input")
}

func pluginExitUninitialized(ctx context.Context, s *subject) error {
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	p.EndInput()
	return ends(ctx, p.Exited(), "the end of its standard input")
}
