package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/sdk/host"
)

// How an exporter bears what hosts do.

var exportingChecks = []Check{
	{ID: "exporter-again", Title: "a connector can export a second time", needs: here, run: exporterAgain},
	{ID: "exporter-many", Title: "2,000 files are answered for", needs: here, run: exporterMany},
	{ID: "exporter-odd-records", Title: "records of errors and extended attributes are answered", needs: here,
		run: exporterOddRecords},
	{ID: "exporter-one-failure", Title: "one failure is one error, and the rest is written", needs: owned,
		run: exporterOneFailure},
	{ID: "exporter-small-chunks", Title: "a file may come byte by byte", needs: owned, run: exporterSmallChunks},
	{ID: "exporter-cut", Title: "a file that breaks off does not appear under its name", needs: owned, run: exporterCut},
	{ID: "exporter-cancelled", Title: "a file of a cancelled export does not appear under its name", needs: owned,
		run: exporterCancelled},
	{ID: "exporter-stray-chunk", Title: "a chunk where a record is due is an error and no crash", needs: here,
		run: exporterStrayChunk},
	{ID: "exporter-host-death", Title: "it ends when the host dies within a file", needs: here, run: exporterHostDeath},
}

func exporterAgain(ctx context.Context, s *subject) error {
	if err := s.makeTarget(); err != nil {
		return err
	}
	_, exp, err := s.exporter(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"/first", "/second"} {
		if err := exportAll(ctx, exp, startRecords().file(name, 0o644, []byte(name))); err != nil {
			return fmt.Errorf("the export of %s: %w", name, err)
		}
	}
	return nil
}

func exporterMany(ctx context.Context, s *subject) error {
	records := startRecords().folder("/many", 0o755)
	for i := range 2000 {
		records = records.file(fmt.Sprintf("/many/%d", i), 0o644, content(uint64(i), i%50))
	}
	_, err := s.restored(ctx, records)
	return err
}

func exporterOddRecords(ctx context.Context, s *subject) error {
	if err := s.makeTarget(); err != nil {
		return err
	}
	_, exp, err := s.exporter(ctx)
	if err != nil {
		return err
	}
	records := startRecords().file("/file", 0o644, nil)
	records = append(records,
		connectors.NewError("/unreadable", errors.New("could not be read when it was backed up")),
		connectors.NewXattr("/attributed", "user.kpkg", objects.AttributeExtended, func() (io.ReadCloser, error) {
			return io.NopCloser(io.LimitReader(zeros{}, 100)), nil
		}))
	all, err := export(ctx, exp, records)
	if err != nil {
		return err
	}
	for _, r := range records {
		if len(all[r.Pathname]) != 1 { // whether it is an error is the exporter's choice
			return fmt.Errorf("%q has %d answers", r.Pathname, len(all[r.Pathname]))
		}
	}
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// exporterOneFailure sends a file where a folder is.
func exporterOneFailure(ctx context.Context, s *subject) error {
	if err := s.makeTarget(); err != nil {
		return err
	}
	_, exp, err := s.exporter(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(s.target(), "taken", "full"), 0o755); err != nil {
		return skipf("putting a folder in the way: %v", err)
	}
	all, err := export(ctx, exp, startRecords().file("/before", 0o644, []byte("x")).file("/taken", 0o644, []byte("x")).
		file("/after", 0o644, []byte("x")))
	if err != nil {
		return fmt.Errorf("the whole export fails: %w", err)
	}
	if said := all["/taken"]; len(said) != 1 || said[0] == nil {
		return fmt.Errorf("a file that cannot be written has the answers %v", said)
	}
	for _, name := range []string{"/before", "/after"} {
		if said := all[name]; len(said) != 1 || said[0] != nil {
			return fmt.Errorf("%q has the answers %v", name, said)
		}
		if _, err := os.Stat(filepath.Join(s.target(), name)); err != nil {
			return err
		}
	}
	return nil
}

// exportStream begins an export without a host's own code around it, with the record of a file of the size.
func (s *subject) exportStream(
	ctx context.Context, name string, size int,
) (*host.Plugin, gexporter.Exporter_ExportClient, error) {
	if err := s.makeTarget(); err != nil {
		return nil, nil, err
	}
	p, _, err := s.exporter(ctx)
	if err != nil {
		return nil, nil, err
	}
	stream, err := gexporter.NewExporterClient(p.Conn()).Export(ctx)
	if err != nil {
		return nil, nil, text(err)
	}
	record := gconn.RecordToProto(exported{}.file(name, 0o644, make([]byte, size))[0])
	return p, stream, stream.Send(&gexporter.ExportRequest{Packet: &gexporter.ExportRequest_Record{Record: record}})
}

func sendChunk(stream gexporter.Exporter_ExportClient, data []byte) error {
	return stream.Send(&gexporter.ExportRequest{Packet: &gexporter.ExportRequest_Chunk{Chunk: data}})
}

// answered takes all answers of a stream.
func answered(stream gexporter.Exporter_ExportClient) ([]*gconn.Result, error) {
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
	want := content(1, 3000)
	_, stream, err := s.exportStream(ctx, "/bytes", len(want))
	if err != nil {
		return err
	}
	for i := range want {
		if err := sendChunk(stream, want[i:i+1]); err != nil {
			return text(err)
		}
	}
	if err := errors.Join(sendChunk(stream, nil), stream.CloseSend()); err != nil {
		return text(err)
	}
	if _, err := answered(stream); err != nil {
		return err
	}
	got, err := os.ReadFile(filepath.Join(s.target(), "bytes"))
	if err != nil {
		return err
	}
	return sameContent(got, want)
}

// partial checks that a file of which only a part has come is not there.
func (s *subject) partial(name string) error {
	for range 10 { // what is cleaned up in the background may take a moment
		if _, err := os.Lstat(filepath.Join(s.target(), name)); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%s is there, with a part of its content", name)
}

func exporterCut(ctx context.Context, s *subject) error {
	p, stream, err := s.exportStream(ctx, "/cut", 1000)
	if err != nil {
		return err
	}
	if err := errors.Join(sendChunk(stream, make([]byte, 500)), stream.CloseSend()); err != nil {
		return text(err)
	}
	answered(stream)
	return errors.Join(s.partial("cut"), s.survived(ctx, p, "a file that broke off"))
}

func exporterCancelled(ctx context.Context, s *subject) error {
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	p, stream, err := s.exportStream(cancelled, "/cancelled", 1000)
	if err != nil {
		return err
	}
	if err := sendChunk(stream, make([]byte, 500)); err != nil {
		return text(err)
	}
	time.Sleep(100 * time.Millisecond) // so that the exporter is within the file
	cancel()
	answered(stream)
	return errors.Join(s.partial("cancelled"), s.survived(ctx, p, "a cancelled export"))
}

func exporterStrayChunk(ctx context.Context, s *subject) error {
	p, stream, err := s.exportStream(ctx, "/file", 1)
	if err != nil {
		return err
	}
	for _, chunk := range [][]byte{[]byte("x"), nil, []byte("stray")} {
		if err := sendChunk(stream, chunk); err != nil {
			break
		}
	}
	stream.CloseSend()
	if _, err := answered(stream); err == nil {
		return errors.New("it takes a chunk that belongs to no file")
	}
	return s.survived(ctx, p, "a chunk that belongs to no file")
}

func exporterHostDeath(ctx context.Context, s *subject) error {
	p, stream, err := s.exportStream(ctx, "/file", 1000)
	if err != nil {
		return err
	}
	if err := sendChunk(stream, make([]byte, 500)); err != nil {
		return text(err)
	}
	p.EndInput()
	return ends(ctx, p.Exited(), "the host's death")
}
