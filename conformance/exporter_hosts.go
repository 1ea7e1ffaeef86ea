package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/host"
)

// How an exporter bears what hosts do.

var exporterHostChecks = []Check{
	{ID: "exporter-again", Title: "a connector can export a second time", needs: []requirement{hasLocation, manyFiles},
		run: exporterAgain},
	{ID: "exporter-odd-records", Title: "records of errors and extended attributes have results", needs: needsLocation,
		run: exporterOddRecords},
	{ID: "exporter-large-record", Title: "a record of 5 MiB costs no other file", needs: needsLocation, run: exporterLargeRecord},
	{ID: "exporter-one-failure", Title: "one failure is one error, and the rest is written", needs: needsLocation,
		run: exporterOneFailure},
	{ID: "exporter-small-chunks", Title: "a file may come byte by byte", needs: needsReadBack, run: exporterSmallChunks},
	{ID: "exporter-cut", Title: "a file that breaks off does not appear under its name", needs: needsReadBack, run: exporterCut},
	{ID: "exporter-cancelled", Title: "a file of a cancelled export does not appear under its name", needs: needsReadBack,
		run: exporterCancelled},
	{ID: "exporter-stray-chunk", Title: "a chunk where a record is due is an error and no crash", needs: needsLocation,
		run: exporterStrayChunk},
	{ID: "exporter-host-death", Title: "it ends when the host dies within a file", needs: needsLocation, run: exporterHostDeath},
	{ID: "exporter-leaks", Title: "exports leave no files, threads or memory behind",
		needs: []requirement{hasLocation, manyFiles, procFiles}, run: exporterLeaks},
	{ID: "exporter-many", Title: "2,000 files have results", needs: needsLocation, run: exporterMany},
}

func exporterAgain(ctx context.Context, s *subject) error {
	_, exp, err := s.exporterTo(ctx)
	if err != nil {
		return err
	}
	sent := s.sample
	for _, name := range []string{"first", "second"} {
		if s.sample == nil {
			sent = startItems().file("/"+name, 0o644, []byte(name))
		}
		if err := exportAll(ctx, exp, s.destination().records(sent)); err != nil {
			return fmt.Errorf("the %s export: %w", name, err)
		}
	}
	return nil
}

func exporterLeaks(ctx context.Context, s *subject) error {
	p, exp, err := s.exporterTo(ctx)
	if err != nil {
		return err
	}
	round := 0
	return leaksNothing(p, func() error {
		sent := s.sample
		if round++; sent == nil { // under names of its own: exporter-overwrite judges what is there already
			sent = startItems()
			for i := range 10 {
				sent = sent.file(fmt.Sprintf("/%d-%d", round, i), 0o644, content(uint64(i), 10_000*i))
			}
		}
		return exportAll(ctx, exp, s.destination().records(sent))
	})
}

// exporterMany sends many files, and blames no destination that is slow for one that hangs.
func exporterMany(ctx context.Context, s *subject) error {
	const count = 2000
	err := s.exportMany(ctx, count)
	if each := s.sampleExport.each; err != nil && isOver(ctx) && each*count > checkTimeout/2 {
		return skipf("not judged, as %d files take longer there than a check's %s: a file of the first export took %s", count,
			checkTimeout, each.Round(time.Millisecond))
	}
	return err
}

// exportMany sends files of its own, or copies of the sample's smallest, each with a number before its name.
func (s *subject) exportMany(ctx context.Context, count int) error {
	if s.sample == nil {
		sent := startItems().folder("/many", 0o755)
		for i := range count {
			sent = sent.file(fmt.Sprintf("/many/%d", i), 0o644, content(uint64(i), i%50))
		}
		return s.export(ctx, sent)
	}
	original := *s.sample.smallest()
	if len(original.data) > maxCopied {
		return skipf("the sample's smallest file has %d bytes, too many to send %d of", len(original.data), count)
	}
	sent := s.sample.alone(original)
	for i := range count - 1 {
		clone := original
		clone.path = path.Join(path.Dir(original.path), fmt.Sprintf("%04d-%s", i, path.Base(original.path)))
		sent = append(sent, clone)
	}
	err := s.export(ctx, sent)
	var refused *refusedError
	if errors.As(err, &refused) && refused.path == sent[len(sent)-count+1].path {
		return skipf("the destination takes no other names than the sample's: %v", err)
	}
	return err
}

// maxCopied bounds the files that are sent 2,000 times, in bytes.
const maxCopied = 64 << 10

// oneFile is a file that the destination accepts, which is the last of the items, and the folders it is in.
func (s *suite) oneFile(made items) (items, item) {
	if s.sample != nil {
		made = s.sample.alone(*s.sample.smallest())
	}
	return made, made[len(made)-1]
}

func exporterOddRecords(ctx context.Context, s *subject) error {
	_, exp, err := s.exporterTo(ctx)
	if err != nil {
		return err
	}
	d := s.destination()
	sent, _ := s.oneFile(startItems().file("/file", 0o644, []byte("content")))
	records := append(d.records(sent),
		connectors.NewError(d.at("/unreadable"), errors.New("could not be read when it was backed up")),
		connectors.NewXattr(d.at("/attributed"), "user.kpkg", objects.AttributeExtended, func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(make([]byte, 100))), nil
		}))
	all, err := export(ctx, exp, records)
	if err != nil {
		return err
	}
	for _, r := range records {
		if len(all[r.Pathname]) != 1 { // whether it is an error is the exporter's choice
			return fmt.Errorf("%q has %d results, and should have one", r.Pathname, len(all[r.Pathname]))
		}
	}
	return nil
}

// exporterLargeRecord sends a file with so many extended attributes that their names alone are more than what gRPC accepts
// by default. It may be refused.
func exporterLargeRecord(ctx context.Context, s *subject) error {
	_, exp, err := s.exporterTo(ctx)
	if err != nil {
		return err
	}
	d := s.destination()
	sent, file := s.oneFile(startItems().file("/file", 0o644, []byte("content")))
	records := d.records(sent)
	large := file.record(d.at(path.Join(path.Dir(file.path), "large-"+path.Base(file.path))))
	for i := range 5 << 10 {
		large.ExtendedAttributes = append(large.ExtendedAttributes, fmt.Sprintf("user.%01019d", i))
	}
	all, err := export(ctx, exp, slices.Insert(slices.Clone(records), len(records)-1, large))
	if err != nil {
		return fmt.Errorf("all of the export fails: %w", err)
	}
	delete(all, large.Pathname)
	return all.complete(records)
}

// exporterOneFailure sends a file where a folder is, or, beside a sample and to a single file, a socket, which no destination
// can make.
func exporterOneFailure(ctx context.Context, s *subject) error {
	sent := startItems().file("/before", 0o644, []byte("x")).file("/after", 0o644, []byte("y"))
	inTheWay := startItems().folder("/taken", 0o755).file("/taken/file", 0o644, []byte("z"))
	obstacle := item{path: "/taken", mode: 0o644, time: fileTime, data: []byte("x")}
	if s.sample != nil {
		sent, inTheWay = s.sample, s.sample
	}
	if s.sample != nil || s.config.SingleFile {
		obstacle = item{path: "/socket", mode: fs.ModeSocket | 0o644, time: fileTime}
	}
	if !s.config.SingleFile {
		if err := s.export(ctx, inTheWay); err != nil {
			return err
		}
	}
	_, exp, err := s.exporter(ctx)
	if err != nil {
		return err
	}
	d := s.destination()
	records, failing := d.records(sent), obstacle.record(d.at(obstacle.path))
	all, err := export(ctx, exp, slices.Insert(slices.Clone(records), len(records)-1, failing))
	if err != nil {
		return fmt.Errorf("all of the export fails: %w", err)
	}
	switch said := all[failing.Pathname]; {
	case len(said) == 1 && said[0] == nil && (s.sample != nil || !s.onDisk()):
		return skipf("nothing fails there: it says that it has written %q", obstacle.path)
	case len(said) != 1 || said[0] == nil:
		return fmt.Errorf("a file that cannot be written has the results %v", said)
	}
	delete(all, failing.Pathname)
	if err := all.complete(records); err != nil || canReadBack(s) != "" {
		return err
	}
	there, err := s.see(ctx)
	if err != nil {
		return err
	}
	return there.wantAll(sent)
}

// exportStream begins an export without a host's own code around it, up to the record of a file, the last of the items.
func (s *subject) exportStream(ctx context.Context, sent items) (*host.Plugin, gexporter.Exporter_ExportClient, error) {
	p, _, err := s.exporterTo(ctx)
	if err != nil {
		return nil, nil, err
	}
	stream, err := gexporter.NewExporterClient(p.Conn()).Export(ctx)
	if err != nil {
		return nil, nil, text(err)
	}
	for _, r := range s.destination().records(sent) {
		packet := &gexporter.ExportRequest_Record{Record: gconn.RecordToProto(r)}
		if err := stream.Send(&gexporter.ExportRequest{Packet: packet}); err != nil {
			return nil, nil, text(err)
		}
	}
	return p, stream, nil
}

func sendChunk(stream gexporter.Exporter_ExportClient, data []byte) error {
	return stream.Send(&gexporter.ExportRequest{Packet: &gexporter.ExportRequest_Chunk{Chunk: data}})
}

// maxChunk is the largest piece of a file that is sent at once, in bytes.
const maxChunk = 256 << 10

// receiveResults takes all results of a stream.
func receiveResults(stream gexporter.Exporter_ExportClient) ([]*gconn.Result, error) {
	var all []*gconn.Result
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, text(err)
		}
		all = append(all, response.GetResult())
	}
}

func exporterSmallChunks(ctx context.Context, s *subject) error {
	sent, file := s.oneFile(startItems().file("/bytes", 0o644, content(1, 3000)))
	if len(file.data) > maxCopied {
		return skipf("the sample's smallest file has %d bytes, too many to send one by one", len(file.data))
	}
	_, stream, err := s.exportStream(ctx, sent)
	if err != nil {
		return err
	}
	for i := range file.data {
		if err := sendChunk(stream, file.data[i:i+1]); err != nil {
			return text(err)
		}
	}
	if err := errors.Join(sendChunk(stream, nil), stream.CloseSend()); err != nil {
		return text(err)
	}
	if _, err := receiveResults(stream); err != nil {
		return err
	}
	there, err := s.see(ctx)
	if err != nil {
		return err
	}
	return there.want(file)
}

// cutExport is an export that is within a file: half of it was sent.
type cutExport struct {
	plugin *host.Plugin
	stream gexporter.Exporter_ExportClient
	file   item
	half   []byte
	before readBack // what was at the destination
}

func (s *subject) brokenExport(ctx context.Context) (*cutExport, error) {
	sent, file := s.oneFile(startItems().file("/broken", 0o644, content(1, 1000)))
	b := &cutExport{file: file, half: file.data[:min(len(file.data)/2, 1<<20)]}
	var err error
	if s.config.SingleFile { // where nothing is yet
		_, err = s.sampleThere(ctx)
	} else {
		b.before, err = s.see(ctx)
	}
	if err != nil {
		return nil, err
	}
	if b.plugin, b.stream, err = s.exportStream(ctx, sent); err != nil {
		return nil, err
	}
	return b, text(sendChunk(b.stream, b.half))
}

// appeared tells under which name the half has appeared since; "" if it has not.
func (s *subject) appeared(ctx context.Context, b *cutExport) (string, error) {
	there, err := s.see(ctx)
	if err != nil && s.config.SingleFile {
		if ownFile(s) != "" { // that there is none is an error of the importer, too
			return "", nil
		}
		return "", fmt.Errorf("a file is left at the location: %w", err)
	}
	if err != nil {
		return "", err
	}
	renames := s.sampleExport.there.renames(s.sent())
	for name, a := range there {
		if was, known := b.before[name]; known && was.sum == a.sum {
			continue
		}
		if name == b.file.path || renames && path.Dir(name) == path.Dir(b.file.path) && a.same(b.half) == nil {
			return name, nil
		}
	}
	return "", nil
}

// notThere checks that the half does not appear.
func (s *subject) notThere(ctx context.Context, b *cutExport) error {
	var name string
	for range 10 { // what is cleaned up in the background may take a while
		var err error
		if name, err = s.appeared(ctx, b); err != nil || name == "" {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%q is there, with a part of its content", name)
}

func exporterCut(ctx context.Context, s *subject) error {
	b, err := s.brokenExport(ctx)
	if err != nil {
		return err
	}
	if err := b.stream.CloseSend(); err != nil {
		return text(err)
	}
	receiveResults(b.stream)
	return errors.Join(s.notThere(ctx, b), s.survived(ctx, b.plugin, "a file that broke off"))
}

func exporterCancelled(ctx context.Context, s *subject) error {
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	b, err := s.brokenExport(cancelled)
	if err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond) // so that the exporter is within the file
	cancel()
	receiveResults(b.stream)
	if err := s.survived(ctx, b.plugin, "a cancelled export"); err != nil {
		return err
	}
	time.Sleep(200 * time.Millisecond) // the exporter has heard of it by now, and goes on as it will
	return s.notThere(ctx, b)
}

func exporterStrayChunk(ctx context.Context, s *subject) error {
	sent, file := s.oneFile(startItems().file("/file", 0o644, []byte("content")))
	p, stream, err := s.exportStream(ctx, sent)
	if err != nil {
		return err
	}
	// All of the file comes first: what is made of one that is too short is for others to judge.
	for chunk := range slices.Chunk(file.data, maxChunk) {
		if err := sendChunk(stream, chunk); err != nil {
			break
		}
	}
	for _, chunk := range [][]byte{nil, []byte("stray")} {
		if err := sendChunk(stream, chunk); err != nil {
			break
		}
	}
	stream.CloseSend()
	if _, err := receiveResults(stream); err == nil {
		return errors.New("it takes a chunk that belongs to no file")
	}
	return s.survived(ctx, p, "a chunk that belongs to no file")
}

func exporterHostDeath(ctx context.Context, s *subject) error {
	sent, file := s.oneFile(startItems().file("/file", 0o644, content(1, 1000)))
	p, stream, err := s.exportStream(ctx, sent)
	if err != nil {
		return err
	}
	if err := sendChunk(stream, file.data[:len(file.data)/2]); err != nil {
		return text(err)
	}
	time.Sleep(100 * time.Millisecond) // so that the exporter is within the file
	p.BreakOff()
	return ends(ctx, p.Exited(), "the host's death")
}
