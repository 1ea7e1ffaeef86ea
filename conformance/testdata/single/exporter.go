package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/sdk"
)

type fileExporter struct {
	name, fault string
}

func newExporter(fault string) sdk.ExporterFn {
	return func(_ context.Context, _ *connectors.Options, proto string, config map[string]string) (sdk.Exporter, error) {
		return &fileExporter{strings.TrimPrefix(config["location"], proto+"://"), fault}, nil
	}
}

func (f *fileExporter) Origin() string              { return path.Base(f.name) }
func (f *fileExporter) Type() string                { return "zip" }
func (f *fileExporter) Root() string                { return "/" }
func (f *fileExporter) Flags() location.Flags       { return location.FLAG_LOCALFS }
func (f *fileExporter) Ping(context.Context) error  { return nil }
func (f *fileExporter) Close(context.Context) error { return nil }

// Export writes beside the file and gives it its name when all is in it.
func (f *fileExporter) Export(ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
	if _, err := os.Lstat(f.name); err == nil && f.fault == "keeps what is there" {
		return errors.New("the file is there already")
	}
	if !strings.HasSuffix(f.name, ".zip") && f.fault == "wants an extension" {
		return fmt.Errorf("%s is not called .zip", path.Base(f.name))
	}
	name := f.name + ".part"
	if f.fault == "writes in place" {
		name = f.name
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer out.Close()
	archive := zip.NewWriter(out)
	for r := range records {
		err := f.write(archive, r)
		if err != nil && (f.fault == "writes in place" || f.fault == "stops at the first error") {
			return err // without the directory that ends a zip
		}
		if err != nil {
			results <- r.Error(err)
			continue
		}
		results <- r.Ok()
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), os.Remove(name))
	}
	if err := errors.Join(archive.Close(), out.Close()); err != nil {
		return err
	}
	return os.Rename(name, f.name)
}

func (f *fileExporter) write(archive *zip.Writer, r *connectors.Record) error {
	if r.Err != nil || r.IsXattr || r.Pathname == "/" {
		return nil
	}
	if mode := r.FileInfo.Lmode; !mode.IsDir() && !mode.IsRegular() {
		return fmt.Errorf("a zip holds no %v", mode.Type())
	}
	header := &zip.FileHeader{Name: strings.TrimPrefix(r.Pathname, "/"), Modified: r.FileInfo.LmodTime, Method: zip.Deflate}
	header.SetMode(r.FileInfo.Lmode)
	if r.FileInfo.Lmode.IsDir() {
		header.Name += "/"
		_, err := archive.CreateHeader(header)
		return err
	}
	// An entry of a zip cannot be taken back: all of a file is there before it begins.
	data, err := io.ReadAll(r.Reader)
	if err != nil {
		return err
	}
	if f.fault == "forgets a file" && path.Base(r.Pathname) == "4096" {
		return nil
	}
	entry, err := archive.CreateHeader(header)
	if err == nil {
		_, err = entry.Write(data)
	}
	return err
}
