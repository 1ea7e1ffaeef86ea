package conformance

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/host"
)

// How an importer bears what hosts do.

var importerHostChecks = []Check{
	{ID: "importer-again", Title: "a second import is like the first",
		needs: []requirement{hasLocation, repeatable}, run: importerAgain},
	{ID: "importer-concurrent", Title: "8 readers can be open at once", needs: needsLocation, run: importerConcurrent},
	{ID: "importer-unread", Title: "a host may read nothing", needs: needsLocation, run: importerUnread},
	{ID: "importer-abandoned", Title: "a host may stop reading within a file", needs: needsLocation, run: importerAbandoned},
	{ID: "importer-slow-host", Title: "a slow host gets everything", needs: needsLocation, run: importerSlowHost},
	{ID: "importer-read-errors", Title: "a host may acknowledge with errors", needs: needsLocation, run: importerReadErrors},
	{ID: "importer-unanswered", Title: "an acknowledgement that never comes does not hang the import", needs: needsLocation,
		run: importerUnacknowledged},
	{ID: "importer-answer-flood", Title: "acknowledgements of nothing are no crash", needs: needsLocation, run: importerFlood},
	{ID: "importer-bad-answers", Title: "acknowledgements without a record are no crash", needs: needsLocation,
		run: importerBadAcknowledgements},
	{ID: "importer-cancelled", Title: "a cancelled import ends, and the next is complete",
		needs: []requirement{hasLocation, repeatable}, run: importerCancelled},
	{ID: "importer-leaks", Title: "imports leave no files, threads or memory behind",
		needs: []requirement{hasLocation, repeatable, procFiles}, run: importerLeaks},
	{ID: "importer-unknown-path", Title: "reading what was not announced is an error", needs: needsLocation,
		run: importerUnknownPath},
	{ID: "importer-no-xattr", Title: "no extended attributes come when they are not wanted", needs: needsLocation,
		run: importerNoXattr},
	{ID: "importer-missing-source", Title: "a source that is not there is an error, not an empty backup", needs: needsLocation,
		run: importerMissingSource},
	{ID: "importer-host-death", Title: "it ends when the host dies within an import", needs: needsLocation, run: importerHostDeath},
	{ID: "importer-interrupted", Title: "SIGTERM within an import ends it", needs: []requirement{hasLocation, unix},
		run: importerInterrupted},
}

func importerAgain(ctx context.Context, s *subject) error {
	_, imp, err := s.importer(ctx)
	if err != nil {
		return err
	}
	first, err := readAll(ctx, imp, 4)
	if err != nil {
		return err
	}
	second, err := readAll(ctx, imp, 4)
	if err != nil {
		return fmt.Errorf("the second time: %w", err)
	}
	err = first.sameAs(second)
	if err == nil {
		return nil
	}
	changing, changeErr := s.changing(ctx)
	if changeErr != nil {
		return changeErr
	}
	for name := range first.differing(second) {
		if !changing[name] {
			return err
		}
	}
	return skipf("not judged, as the source differs whenever it is read, by another process too: %v", err)
}

// importerConcurrent holds the readers of the 8 largest files open, with a byte read of each, before any is read on.
func importerConcurrent(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	large := l.largest(8)
	var mu sync.Mutex
	waiting, together := len(large), make(chan struct{})
	_, imp, err := s.importer(ctx)
	if err != nil {
		return err
	}
	changing, err := s.changing(ctx)
	if err != nil {
		return err
	}
	if len(large) < 2 {
		return skipf("the source has fewer than two files with content")
	}
	var failures []string
	err = drive(ctx, imp, 9, func(r *connectors.Record) error {
		if !large[key(r)] {
			return readUp(r)
		}
		sum := sha256.New()
		n, err := io.CopyN(sum, r.Reader, 1)
		mu.Lock()
		if waiting--; waiting == 0 {
			close(together)
		}
		mu.Unlock()
		select {
		case <-together:
		case <-time.After(5 * time.Second): // it does not come again, or sends no more until this one is acknowledged
		}
		if err == nil {
			var more int64
			more, err = io.Copy(sum, r.Reader)
			n += more
		}
		if want := l.read[key(r)]; err == nil && !changing[key(r)] && ([sha256.Size]byte(sum.Sum(nil)) != want.sum || n != want.size) {
			err = fmt.Errorf("%d bytes, not those of the import before, which had %d", n, want.size)
		}
		if err != nil {
			mu.Lock()
			failures = append(failures, fmt.Sprintf("%q: %v", key(r), err))
			mu.Unlock()
		}
		return err
	})
	if slices.Sort(failures); len(failures) > 0 {
		return fmt.Errorf("with others open: %s", firstFew(failures))
	}
	return err
}

// readUp reads a record to its end, whatever comes.
func readUp(r *connectors.Record) error {
	if !hasContent(r) {
		return nil
	}
	_, err := io.Copy(io.Discard, r.Reader)
	return err
}

// importsWith imports with another kind of host, and expects as many entries as with an ordinary one.
func (s *subject) importsWith(ctx context.Context, take func(*connectors.Record) error) (*host.Plugin, error) {
	l, err := s.listing(ctx)
	if err != nil {
		return nil, err
	}
	p, imp, err := s.importer(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	count := 0
	err = drive(ctx, imp, 4, func(r *connectors.Record) error {
		mu.Lock()
		count++
		mu.Unlock()
		return take(r)
	})
	if err != nil {
		return nil, err
	}
	if count != len(l.records) {
		return nil, fmt.Errorf("%d entries come instead of %d", count, len(l.records))
	}
	return p, s.survived(ctx, p, "the import")
}

func importerUnread(ctx context.Context, s *subject) error {
	_, err := s.importsWith(ctx, func(*connectors.Record) error { return nil })
	return err
}

func importerAbandoned(ctx context.Context, s *subject) error {
	_, err := s.importsWith(ctx, func(r *connectors.Record) error {
		if hasContent(r) {
			io.CopyN(io.Discard, r.Reader, 1)
		}
		return nil
	})
	return err
}

func importerSlowHost(ctx context.Context, s *subject) error {
	var once sync.Once
	_, err := s.importsWith(ctx, func(r *connectors.Record) error {
		once.Do(func() { time.Sleep(time.Second) })
		time.Sleep(5 * time.Millisecond)
		return readUp(r)
	})
	return err
}

func importerReadErrors(ctx context.Context, s *subject) error {
	_, err := s.importsWith(ctx, func(r *connectors.Record) error {
		return errors.Join(readUp(r), errors.New("the host could not store it"))
	})
	return err
}

// stream begins an import without a host's own code around it.
func (s *subject) stream(ctx context.Context) (*host.Plugin, gimporter.Importer_ImportClient, error) {
	p, _, err := s.importer(ctx)
	if err != nil {
		return nil, nil, err
	}
	stream, err := gimporter.NewImporterClient(p.Conn()).Import(ctx)
	return p, stream, err
}

// acknowledgeAll receives records and acknowledges those that acknowledge names, until the import has ended.
func acknowledgeAll(stream gimporter.Importer_ImportClient, acknowledge func(i int) bool) error {
	for i := 0; ; i++ {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return text(err)
		}
		if response.GetFinished() {
			return stream.CloseSend()
		}
		if acknowledge(i) {
			result := &gconn.Result{Header: response.GetRecord()}
			if err := stream.Send(&gimporter.ImportRequest{Result: result}); err != nil {
				return text(err)
			}
		}
	}
}

// waitsForAcknowledgements tells what the importer itself says: the client's code adds the flag for all.
func (s *subject) waitsForAcknowledgements(ctx context.Context) (bool, error) {
	p, err := s.start(ctx)
	if err != nil {
		return false, err
	}
	response, err := gimporter.NewImporterClient(p.Conn()).Init(ctx, &gimporter.InitRequest{
		Proto: s.config.Protocol, Config: s.settings(s.location), Options: s.importerOptions(),
	})
	return location.Flags(response.GetFlags())&location.FLAG_NEEDACK != 0, text(err)
}

// importerUnacknowledged gives an importer 5 seconds. Some may wait for an acknowledgement before they send the next entry,
// but not for that of a folder.
func importerUnacknowledged(ctx context.Context, s *subject) error {
	waits, err := s.waitsForAcknowledgements(ctx)
	if err != nil {
		return err
	}
	if waits {
		return skipf("the connector's flag needack says that it waits for acknowledgements, and plakar acknowledges everything")
	}
	p, stream, err := s.stream(ctx)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- acknowledgeAll(stream, func(i int) bool { return i > 0 }) }()
	select {
	case err := <-ended:
		if err != nil {
			return err
		}
		return s.survived(ctx, p, "an import with an acknowledgement missing")
	case <-time.After(endTimeout):
		return fmt.Errorf("the import has not ended after %s", endTimeout)
	}
}

func importerFlood(ctx context.Context, s *subject) error {
	p, stream, err := s.stream(ctx)
	if err != nil {
		return err
	}
	stranger := &gconn.Result{
		Header: &gconn.Record{Pathname: "/never/announced", FileInfo: &gconn.FileInfo{Name: "announced"}},
	}
	for range 10_000 {
		if err := stream.Send(&gimporter.ImportRequest{Result: stranger}); err != nil {
			break // the import may end for it
		}
	}
	acknowledgeAll(stream, func(int) bool { return true })
	return s.survived(ctx, p, "10,000 acknowledgements of what it did not send")
}

func importerBadAcknowledgements(ctx context.Context, s *subject) error {
	for what, result := range map[string]*gconn.Result{
		"an acknowledgement without a result":      nil,
		"an acknowledgement without a record":      {},
		"an acknowledgement without a file's info": {Header: &gconn.Record{Pathname: "/x"}},
	} {
		p, stream, err := s.stream(ctx)
		if err != nil {
			return err
		}
		stream.Send(&gimporter.ImportRequest{Result: result})
		acknowledgeAll(stream, func(int) bool { return true })
		if err := s.survived(ctx, p, what); err != nil {
			return err
		}
	}
	return nil
}

func importerCancelled(ctx context.Context, s *subject) error {
	before, err := s.listing(ctx)
	if err != nil {
		return err
	}
	p, imp, err := s.importer(ctx)
	if err != nil {
		return err
	}
	cancelled, cancel := context.WithCancel(ctx)
	drive(cancelled, imp, 4, func(r *connectors.Record) error {
		cancel()
		return nil
	})
	if err := s.survived(ctx, p, "a cancelled import"); err != nil {
		return err
	}
	after, err := readAll(ctx, imp, 4)
	if err != nil {
		return fmt.Errorf("the next import: %w", err)
	}
	if len(after.records) != len(before.records) {
		return fmt.Errorf("the next import brings %d entries instead of %d", len(after.records), len(before.records))
	}
	return nil
}

// importerLeaks imports many small files and one large one, where it can: enough for what is kept of each file, or of its
// content, to show.
func importerLeaks(ctx context.Context, s *subject) error {
	at := s.location
	if ownFiles(s) == "" {
		source := s.newSource(150)
		source.files[filepath.Join(source.root, "large")] = content(1, 2*someMemory/cycles)
		if err := source.write(); err != nil {
			return err
		}
		at = s.local(source.root)
	}
	p, imp, err := s.importerOf(ctx, at, s.options())
	if err != nil {
		return err
	}
	return leaksNothing(p, func() error {
		_, err := readAll(ctx, imp, 4)
		return err
	})
}

func importerUnknownPath(ctx context.Context, s *subject) error {
	p, _, err := s.importer(ctx)
	if err != nil {
		return err
	}
	stream, err := gimporter.NewImporterClient(p.Conn()).Open(ctx, &gimporter.OpenRequest{
		Record: &gconn.Record{Pathname: "/never/announced"},
	})
	if err == nil {
		_, err = stream.Recv()
	}
	if err == nil || errors.Is(err, io.EOF) {
		return errors.New("it gives content for a path that it has not announced")
	}
	return s.survived(ctx, p, "reading an unknown path")
}

func importerNoXattr(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(l.records, func(r *connectors.Record) bool { return r.IsXattr }) {
		return skipf("nothing in the source has extended attributes")
	}
	opts := s.options()
	opts.NoXattr = true
	_, imp, err := s.importerOf(ctx, s.location, opts)
	if err != nil {
		return err
	}
	without, err := readAll(ctx, imp, 4)
	if err != nil {
		return err
	}
	for _, r := range without.records {
		if r.IsXattr {
			return fmt.Errorf("attribute %q of %q comes", r.XattrName, r.Pathname)
		}
	}
	return nil
}

func importerMissingSource(ctx context.Context, s *subject) error {
	_, imp, err := s.importerOf(ctx, s.missing(), s.options())
	if err != nil {
		return nil
	}
	l, err := readAll(ctx, imp, 4)
	if err != nil || slices.ContainsFunc(l.records, func(r *connectors.Record) bool { return r.Err != nil }) {
		return nil
	}
	return fmt.Errorf("an import of %s ends without an error", s.redact(s.missing()))
}

// midway begins an import and returns within it: one record has come, and none was acknowledged.
func (s *subject) midway(ctx context.Context) (*host.Plugin, error) {
	p, stream, err := s.stream(ctx)
	if err != nil {
		return nil, err
	}
	_, err = stream.Recv()
	return p, text(err)
}

func importerHostDeath(ctx context.Context, s *subject) error {
	p, err := s.midway(ctx)
	if err != nil {
		return err
	}
	p.BreakOff()
	return ends(ctx, p.Exited(), "the host's death")
}

func importerInterrupted(ctx context.Context, s *subject) error {
	p, err := s.midway(ctx)
	if err != nil {
		return err
	}
	if err := p.Process().Signal(syscall.SIGTERM); err != nil {
		return skipf("sending the signal: %v", err)
	}
	return ends(ctx, p.Exited(), "the signal")
}
