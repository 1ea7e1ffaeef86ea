package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/sdk"
)

type fileImporter struct {
	name, proto, fault string
}

func newImporter(fault string) sdk.ImporterFn {
	return func(_ context.Context, _ *connectors.Options, proto string, config map[string]string) (sdk.Importer, error) {
		return &fileImporter{strings.TrimPrefix(config["location"], proto+"://"), proto, fault}, nil
	}
}

func (f *fileImporter) Origin() string              { return path.Base(f.name) }
func (f *fileImporter) Type() string                { return f.proto }
func (f *fileImporter) Root() string                { return "/" }
func (f *fileImporter) Flags() location.Flags       { return location.FLAG_LOCALFS }
func (f *fileImporter) Close(context.Context) error { return nil }

func (f *fileImporter) Ping(context.Context) error { return nil }

func (f *fileImporter) Import(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	data, err := os.ReadFile(f.name)
	if f.fault == "knows no missing files" && errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	records <- connectors.NewRecord("/", "", objects.FileInfo{Lname: "/", Lmode: fs.ModeDir | 0o755}, nil, nil)
	if f.proto == "jsonl" {
		return f.lines(data, records)
	}
	return f.zip(data, records)
}

func send(records chan<- *connectors.Record, name string, info objects.FileInfo, open func() (io.ReadCloser, error)) {
	info.Lname = path.Base(name)
	records <- connectors.NewRecord(name, "", info, nil, open)
}

func (f *fileImporter) zip(data []byte, records chan<- *connectors.Record) error {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if f.fault == "takes what is there" && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	for _, file := range archive.File {
		info := objects.FileInfo{Lmode: file.Mode(), LmodTime: file.Modified}
		if file.Mode().IsRegular() {
			info.Lsize = int64(file.UncompressedSize64)
		}
		send(records, "/"+strings.TrimSuffix(file.Name, "/"), info, func() (io.ReadCloser, error) { return file.Open() })
	}
	return nil
}

// lines sends an entry for each line.
func (f *fileImporter) lines(data []byte, records chan<- *connectors.Record) error {
	n := 0
	for line := range bytes.Lines(data) {
		if n++; !json.Valid(line) {
			if f.fault == "takes what is there" {
				continue
			}
			return fmt.Errorf("line %d is no JSON", n)
		}
		send(records, fmt.Sprintf("/%06d.json", n),
			objects.FileInfo{Lmode: 0o644, Lsize: int64(len(line)), LmodTime: time.Unix(0, 0)},
			func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(line)), nil })
	}
	return nil
}
