package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
)

func brokenExporter(fault string, construct exporter.ExporterFn) exporter.ExporterFn {
	return func(
		ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
	) (exporter.Exporter, error) {
		if err := initFault(fault, opts, config); err != nil {
			return nil, err
		}
		exp, err := construct(ctx, opts, proto, config)
		return &faultyExporter{Exporter: exp, fault: fault}, err
	}
}

// faultyExporter changes what an exporter is given.
type faultyExporter struct {
	exporter.Exporter
	fault   string
	exports int
	leak    leak
}

func (f *faultyExporter) Export(
	ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result,
) error {
	f.exports++
	f.leak.grow(f.fault)
	markWork(f.fault)
	if f.fault == "exports once" && f.exports > 1 {
		return errors.New("the connection is used up")
	}
	honest := make(chan *connectors.Record)
	reported := make(chan *connectors.Result)
	ended, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		defer close(honest)
		for r := range records {
			if !f.write(r, results) {
				continue
			}
			select {
			case honest <- r:
			case <-ended: // by a cancellation
			}
		}
	}()
	go f.Exporter.Export(ctx, honest, reported)
	var failed error
	count := 0
	for result := range reported {
		count++
		if f.fault == "fails for one failure" && result.Err != nil {
			failed = result.Err
		}
		if f.fault == "hides failures" {
			result.Err = nil
		}
		if f.fault == "forgets a result" && strings.HasSuffix(result.Record.Pathname, "plain.txt") {
			continue
		}
		if f.fault == "forgets results after 1,000" && count > 1000 {
			continue
		}
		results <- result
	}
	if f.fault == "needs something to do" && count == 0 {
		return errors.New("nothing to export")
	}
	close(ended)
	<-written
	close(results)
	return failed
}

// write changes a record, and tells whether there is anything left to do with it.
func (f *faultyExporter) write(r *connectors.Record, results chan<- *connectors.Result) bool {
	target := filepath.Join(f.Root(), r.Pathname)
	regular := r.FileInfo.Lmode.IsRegular() && r.Err == nil && !r.IsXattr
	if strings.HasPrefix(f.fault, "is a mail server") {
		return f.deliver(r, target, results)
	}
	f.makeWay(r, target)
	switch f.fault {
	case "refuses folders that are there":
		if _, err := os.Lstat(target); err == nil && r.FileInfo.Lmode.IsDir() {
			results <- r.Error(errors.New("mkdir: it is there"))
			return false
		}
	case "writes through links":
		if there, err := os.Stat(target); err == nil && regular && there.Mode().IsRegular() {
			results <- f.inPlace(r, target)
			return false
		}
	case "gives nothing back":
		if regular {
			io.Copy(io.Discard, r.Reader)
			results <- r.Ok()
			return false
		}
	case "forgets a file":
		if r.FileInfo.Lname == "4096" {
			results <- r.Ok()
			return false
		}
	case "renames a file":
		if r.FileInfo.Lname == "4096" {
			results <- f.inPlace(r, target+".new")
			return false
		}
	case "refuses links":
		if r.FileInfo.Lmode.Type() == fs.ModeSymlink {
			results <- r.Error(errors.New("no links here"))
			return false
		}
	case "reads 200 times":
		if regular {
			r.Reader = &tiredReader{ReadCloser: r.Reader}
		}
	case "forgets empty folders":
		if r.FileInfo.Lname == "empty" && r.FileInfo.Lmode.IsDir() {
			results <- r.Ok()
			return false
		}
	case "forgets modes":
		r.FileInfo.Lmode = r.FileInfo.Lmode&fs.ModeType | 0o755
	case "forgets times":
		r.FileInfo.LmodTime = time.Unix(0, 0)
	case "forgets times of empty files":
		if r.FileInfo.Lsize == 0 {
			r.FileInfo.LmodTime = time.Unix(0, 0)
		}
	case "forgets modes of read-only files":
		if r.FileInfo.Lmode&0o200 == 0 {
			r.FileInfo.Lmode |= 0o644
		}
	case "follows links":
		r.Target = "/" + r.Target
	case "is a database with names of its own":
		if regular {
			r.Reader = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(strings.NewReader("-- a dump\n"), r.Reader), r.Reader}
			results <- f.inPlace(r, target+".dump")
			return false
		}
	case "is a database": // which dumps what it was sent in another form
		if r.Reader != nil {
			r.Reader = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(strings.NewReader("-- a dump\n"), r.Reader), r.Reader}
		}
	case "refuses files that are there":
		if _, err := os.Lstat(target); err == nil && regular {
			results <- r.Error(errors.New("table people is there already"))
			return false
		}
	case "changes content":
		if r.FileInfo.Lname == "4096" {
			r.Reader = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(strings.NewReader("!"), io.LimitReader(r.Reader, 4095)), r.Reader}
		}
	case "does not overwrite":
		if info, err := os.Lstat(target); err == nil && info.Mode().IsRegular() {
			results <- r.Ok()
			return false
		}
	case "escapes":
		if strings.Contains(r.Pathname, "..") {
			os.WriteFile(f.Root()+"/"+r.Pathname, nil, 0o644)
		}
	case "ignores attributes":
		if r.IsXattr {
			results <- r.Ok()
			results <- r.Ok()
			return false
		}
	case "keeps parts late":
		if regular && !strings.Contains(r.Pathname, "..") {
			part, err := io.ReadAll(r.Reader)
			if err != nil {
				time.Sleep(50 * time.Millisecond)
			}
			r.Reader = io.NopCloser(bytes.NewReader(part))
			results <- f.inPlace(r, target)
			return false
		}
	case "writes in place":
		if regular && !strings.Contains(r.Pathname, "..") {
			results <- f.inPlace(r, target)
			return false
		}
	}
	return true
}

// makeWay removes what plakar's own exporter would leave in the place of a link or a folder.
func (f *faultyExporter) makeWay(r *connectors.Record, target string) {
	link, folder := r.FileInfo.Lmode.Type() == fs.ModeSymlink, r.FileInfo.Lmode.IsDir()
	there, err := os.Lstat(target)
	switch {
	case err != nil || there.IsDir() || r.Err != nil || r.IsXattr || strings.Contains(r.Pathname, ".."):
	case link && f.fault != "keeps old links", folder && f.fault != "keeps files for folders":
		os.Remove(target)
	}
}

// tiredReader fails at the 201st read.
type tiredReader struct {
	io.ReadCloser
	reads int
}

func (t *tiredReader) Read(p []byte) (int, error) {
	if t.reads++; t.reads > 200 {
		return 0, errors.New("tired")
	}
	return t.ReadCloser.Read(p)
}

// inPlace leaves what it has written when there is no more.
func (f *faultyExporter) inPlace(r *connectors.Record, target string) *connectors.Result {
	// The folder is made at the other end of a channel, and may not be there yet.
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return r.Error(err)
	}
	if there, err := os.Lstat(target); err == nil && !there.Mode().IsRegular() && f.fault != "writes through links" {
		os.Remove(target)
	}
	file, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return r.Error(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, r.Reader); err != nil {
		return r.Error(err)
	}
	mode := r.FileInfo.Lmode.Perm() | r.FileInfo.Lmode&(fs.ModeSetuid|fs.ModeSetgid)
	if err := errors.Join(os.Chmod(target, mode), os.Chtimes(target, r.FileInfo.LmodTime, r.FileInfo.LmodTime)); err != nil {
		return r.Error(err)
	}
	return r.Ok()
}
