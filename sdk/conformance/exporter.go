package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/objects"
)

// What an exporter makes of what it is sent.

var exporterGates = []Check{
	{ID: "exporter-answers", Title: "every record is answered, once and without an error", gate: true, needs: here,
		run: exporterAnswers},
}

var exporterChecks = []Check{
	{ID: "exporter-nothing", Title: "an export of nothing succeeds", needs: here, run: exporterNothing},
	{ID: "exporter-content", Title: "files have the contents they were sent with", needs: owned, run: exporterContent},
	{ID: "exporter-folders", Title: "folders are made, empty ones too", needs: owned, run: exporterFolders},
	{ID: "exporter-links", Title: "links lead where they did", needs: owned, run: exporterLinks},
	{ID: "exporter-modes", Title: "files and folders have the permissions they were sent with",
		needs: []need{ownFiles, unix}, run: exporterModes},
	{ID: "exporter-times", Title: "files have the times they were sent with", needs: owned, run: exporterTimes},
	{ID: "exporter-overwrite", Title: "a second export replaces files", needs: owned, run: exporterOverwrite},
	{ID: "exporter-escape", Title: "nothing is written outside of the root", needs: owned, run: exporterEscape},
}

// exported makes the records of an export, folders before what is in them.
type exported []*connectors.Record

// startRecords begins with the root, as kloset does.
func startRecords() exported { return exported{}.folder("/", 0o755) }

func (e exported) add(name, target string, mode fs.FileMode, data []byte) exported {
	info := objects.FileInfo{
		Lname: path.Base(name), Lsize: int64(len(data)), Lmode: mode, LmodTime: fileTime, Lnlink: 1,
		Luid: uint64(max(0, os.Getuid())), Lgid: uint64(max(0, os.Getgid())),
	}
	return append(e, connectors.NewRecord(name, target, info, nil, func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}))
}

func (e exported) file(name string, mode fs.FileMode, data []byte) exported {
	return e.add(name, "", mode, data)
}
func (e exported) folder(name string, mode fs.FileMode) exported {
	return e.add(name, "", mode|fs.ModeDir, nil)
}
func (e exported) link(name, target string) exported {
	return e.add(name, target, 0o777|fs.ModeSymlink, nil)
}

// answers are what an exporter said of the records, by path.
type answers map[string][]error

// export sends records and takes the answers for them.
func export(ctx context.Context, exp exporter.Exporter, records exported) (answers, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan *connectors.Record)
	results := make(chan *connectors.Result, len(records)+1)
	go func() {
		defer close(sent)
		for _, r := range records {
			select {
			case sent <- r:
			case <-ctx.Done(): // after a failure the client takes no more
				return
			}
		}
	}()
	said := make(chan answers)
	go func() {
		all := answers{}
		for result := range results {
			all[result.Record.Pathname] = append(all[result.Record.Pathname], result.Err)
		}
		said <- all
	}()
	err := exp.Export(ctx, sent, results)
	return <-said, err
}

// exportAll exports and expects nothing to fail.
func exportAll(ctx context.Context, exp exporter.Exporter, records exported) error {
	all, err := export(ctx, exp, records)
	if err != nil {
		return err
	}
	return all.complete(records)
}

// complete checks that each record has one answer, and none an error.
func (a answers) complete(records exported) error {
	total := 0
	for _, r := range records {
		said := a[r.Pathname]
		total += len(said)
		if len(said) != 1 {
			return fmt.Errorf("%q has %d answers", r.Pathname, len(said))
		}
		if said[0] != nil {
			return fmt.Errorf("%q: %w", r.Pathname, said[0])
		}
	}
	if total != len(records) || len(a) != len(records) {
		return fmt.Errorf("%d answers for %d records", total, len(records))
	}
	return nil
}

// sampleFiles are the files of sample.
func sampleFiles() map[string][]byte {
	files := map[string][]byte{}
	for i, name := range names {
		files["/names/"+name] = content(uint64(i), 20+i)
	}
	for i, size := range sizes {
		files[fmt.Sprintf("/sizes/%d", size)] = content(uint64(50+i), size)
	}
	return files
}

// sample is a tree with a bit of everything that every exporter must take.
func sample() exported {
	records := startRecords().folder("/names", 0o755).folder("/sizes", 0o755).folder("/sizes/below", 0o755).
		folder("/empty", 0o755)
	for name, data := range sampleFiles() {
		records = records.file(name, 0o644, data)
	}
	return records.file("/sizes/below/file", 0o644, []byte("below"))
}

// makeTarget makes the local folder to export to.
func (s *subject) makeTarget() error {
	if s.folder == "" {
		return nil
	}
	if err := os.Mkdir(s.target(), 0o755); err != nil {
		return skipf("making a folder to export to: %v", err)
	}
	return nil
}

// restored exports records to the check's place, and returns the folder they are in.
func (s *subject) restored(ctx context.Context, records exported) (string, error) {
	if err := s.makeTarget(); err != nil {
		return "", err
	}
	_, exp, err := s.exporter(ctx)
	if err != nil {
		return "", err
	}
	return s.target(), exportAll(ctx, exp, records)
}

func exporterAnswers(ctx context.Context, s *subject) error {
	_, err := s.restored(ctx, sample())
	return err
}

func exporterNothing(ctx context.Context, s *subject) error {
	_, err := s.restored(ctx, nil)
	return err
}

func exporterContent(ctx context.Context, s *subject) error {
	target, err := s.restored(ctx, sample())
	if err != nil {
		return err
	}
	for name, data := range sampleFiles() {
		got, err := os.ReadFile(filepath.Join(target, name))
		if err != nil {
			return err
		}
		if err := sameContent(got, data); err != nil {
			return fmt.Errorf("%q has %w", name, err)
		}
	}
	return nil
}

func exporterFolders(ctx context.Context, s *subject) error {
	target, err := s.restored(ctx, sample())
	if err != nil {
		return err
	}
	for _, name := range []string{"empty", "sizes/below"} {
		if info, err := os.Stat(filepath.Join(target, name)); err != nil || !info.IsDir() {
			return fmt.Errorf("there is no folder %q", name)
		}
	}
	return nil
}

func exporterLinks(ctx context.Context, s *subject) error {
	want := map[string]string{"/link": "file", "/dangling": "nowhere/at all", "/absolute": "/etc/kpkg-no-such-file"}
	records := startRecords().file("/file", 0o644, nil)
	for name, to := range want {
		records = records.link(name, to)
	}
	target, err := s.restored(ctx, records)
	if err != nil {
		return err
	}
	for name, to := range want {
		if got, err := os.Readlink(filepath.Join(target, name)); err != nil || got != to {
			return fmt.Errorf("link %q leads to %q instead of %q", name, got, to)
		}
	}
	return nil
}

func exporterModes(ctx context.Context, s *subject) error {
	want := map[string]fs.FileMode{
		"/0644": 0o644, "/0600": 0o600, "/0755": 0o755, "/0400": 0o400, "/0": 0,
		"/setuid": 0o755 | fs.ModeSetuid, "/setgid": 0o755 | fs.ModeSetgid,
	}
	records := startRecords().folder("/private", 0o700).
		folder("/read-only", 0o555).file("/read-only/file", 0o644, []byte("x"))
	for name, mode := range want {
		records = records.file(name, mode, []byte("x"))
	}
	target, err := s.restored(ctx, records)
	if err != nil {
		return err
	}
	want["/read-only"], want["/private"] = 0o555|fs.ModeDir, 0o700|fs.ModeDir
	for name, mode := range want {
		info, err := os.Lstat(filepath.Join(target, name))
		if err != nil {
			return err
		}
		if info.Mode() != mode {
			return fmt.Errorf("%q has mode %v instead of %v", name, info.Mode(), mode)
		}
	}
	return nil
}

func exporterTimes(ctx context.Context, s *subject) error {
	target, err := s.restored(ctx, startRecords().file("/file", 0o644, []byte("x")).file("/empty", 0o644, nil))
	if err != nil {
		return err
	}
	for _, name := range []string{"file", "empty"} {
		info, err := os.Stat(filepath.Join(target, name))
		if err != nil {
			return err
		}
		if !info.ModTime().Equal(fileTime) {
			return fmt.Errorf("%q is of %v instead of %v", name, info.ModTime().UTC(), fileTime)
		}
	}
	return nil
}

func exporterOverwrite(ctx context.Context, s *subject) error {
	if err := s.makeTarget(); err != nil {
		return err
	}
	var want []byte
	for i := range 2 {
		_, exp, err := s.exporter(ctx)
		if err != nil {
			return err
		}
		want = content(uint64(i), 5000-1000*i)
		records := startRecords().folder("/folder", 0o755).file("/folder/file", 0o644, want)
		if err := exportAll(ctx, exp, records); err != nil {
			return fmt.Errorf("export %d: %w", i+1, err)
		}
	}
	got, err := os.ReadFile(filepath.Join(s.target(), "folder", "file"))
	if err != nil {
		return err
	}
	if err := sameContent(got, want); err != nil {
		return fmt.Errorf("after the second export, the file has %w", err)
	}
	return nil
}

func exporterEscape(ctx context.Context, s *subject) error {
	if err := s.makeTarget(); err != nil {
		return err
	}
	_, exp, err := s.exporter(ctx)
	if err != nil {
		return err
	}
	// It may refuse the record, all of the export, or write the file below its root.
	export(ctx, exp, startRecords().file("/../escaped", 0o644, []byte("x")).file("../escaped", 0o644, []byte("x")).
		file("/folder/../../escaped", 0o644, []byte("x")))
	if _, err := os.Lstat(filepath.Join(s.dir, "escaped")); !errors.Is(err, fs.ErrNotExist) {
		return errors.New("a path with .. in it is written outside of the location")
	}
	return nil
}
