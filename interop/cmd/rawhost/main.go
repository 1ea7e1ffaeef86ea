// Command rawhost is the least that a host of plugins can do: it reads all that an importer gives and throws it away, or gives an
// exporter the files of a folder. What a plugin takes longer with plakar's client is the client's own.
//
//	rawhost import EXECUTABLE FOLDER
//	rawhost export EXECUTABLE FOLDER TO
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/PlakarKorp/integration-grpc/exporter"
	"github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
)

// protocol is that of the file system's plugins under test.
const protocol = "fis"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "rawhost:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	var work func(context.Context, grpc.ClientConnInterface) (files int64, err error)
	switch {
	case len(args) == 3 && args[0] == "import":
		work = func(ctx context.Context, plugin grpc.ClientConnInterface) (int64, error) {
			return importAll(ctx, plugin, args[2])
		}
	case len(args) == 4 && args[0] == "export":
		work = func(ctx context.Context, plugin grpc.ClientConnInterface) (int64, error) {
			return exportAll(ctx, plugin, args[2], args[3])
		}
	default:
		return errors.New("usage: rawhost import EXECUTABLE FOLDER, or rawhost export EXECUTABLE FOLDER TO")
	}
	plugin, end, err := start(ctx, args[1])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	files, err := work(ctx, plugin)
	fmt.Println(files, "files")
	return err
}

func options() *connectors.Options {
	return &connectors.Options{
		Hostname: "localhost", OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH, MaxConcurrency: concurrency(), NoXattr: true,
	}
}

// concurrency is how many files plakar's client reads at once by default.
func concurrency() int { return max(1, runtime.NumCPU()-1) }

// importAll reads all that the importer has, as many files at once as the client would, and is an error for anything that failed.
func importAll(ctx context.Context, plugin grpc.ClientConnInterface, folder string) (int64, error) {
	source, err := importer.NewImporter(ctx, plugin, options(), protocol, map[string]string{"location": protocol + "://" + folder})
	if err != nil {
		return 0, err
	}
	records, results := make(chan *connectors.Record, concurrency()), make(chan *connectors.Result, concurrency())
	var files atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return source.Import(ctx, records, results) })
	group.Go(func() error {
		defer close(results)
		readers, ctx := errgroup.WithContext(ctx)
		for range concurrency() {
			readers.Go(func() error {
				for record := range records {
					if record.Err != nil {
						return fmt.Errorf("%s: %w", record.Pathname, record.Err)
					}
					if record.Reader != nil && record.FileInfo.Mode().IsRegular() {
						if _, err := io.Copy(io.Discard, record.Reader); err != nil {
							return fmt.Errorf("%s: %w", record.Pathname, err)
						}
						files.Add(1)
					}
					select {
					case results <- record.Ok():
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			})
		}
		return readers.Wait()
	})
	err = group.Wait()
	return files.Load(), errors.Join(err, source.Close(context.WithoutCancel(ctx)))
}

// exportAll gives the exporter all of a folder, and is an error for anything that it did not take.
func exportAll(ctx context.Context, plugin grpc.ClientConnInterface, folder, to string) (int64, error) {
	destination, err := exporter.NewExporter(ctx, plugin, options(), protocol, map[string]string{"location": protocol + "://" + to})
	if err != nil {
		return 0, err
	}
	records, results := make(chan *connectors.Record, concurrency()), make(chan *connectors.Result, concurrency())
	var files int64
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return destination.Export(ctx, records, results) })
	group.Go(func() error {
		defer close(records)
		return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			record := &connectors.Record{Pathname: filepath.Join("/", path[len(folder):]), FileInfo: objects.FileInfoFromStat(info)}
			if info.Mode().IsRegular() {
				record.Reader = connectors.NewLazyReader(func() (io.ReadCloser, error) { return os.Open(path) })
			}
			select {
			case records <- record:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	group.Go(func() (failed error) {
		for result := range results { // to the end, which Export waits for
			if result.Err != nil {
				failed = fmt.Errorf("%s: %w", result.Record.Pathname, result.Err)
			}
			if result.Record.FileInfo.Mode().IsRegular() {
				files++
			}
		}
		return failed
	})
	err = group.Wait()
	return files, errors.Join(err, destination.Close(context.WithoutCancel(ctx)))
}
