// Package ptartest makes packages for tests: good ones as plakar's own client writes them, and forged ones whose MACs
// are right and whose content is not.
package ptartest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/encryption"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot"
	"github.com/PlakarKorp/kloset/versioning"

	"github.com/PlakarKorp/kpkg/internal/klosettest"
)

// File is what a test puts into a package, at a path below its root; its folders come by themselves.
type File struct {
	Path    string
	Mode    fs.FileMode
	Content []byte
	// Target makes the file a symbolic link.
	Target string
	// Err makes the file one that the writer could not read.
	Err error
	// Attributes are extended attributes, by name.
	Attributes map[string]string
}

// Upstream returns a package of the files, written by kloset's repository and snapshot builder, with the settings and in
// the order of plakar's "pkg create". Configure, if not nil, changes the store's configuration before that.
func Upstream(t testing.TB, files []File, configure func(*storage.Configuration)) []byte {
	t.Helper()
	return Archive{Snapshots: [][][]File{{files}}, Configure: configure}.Bytes(t)
}

// Archive is a ptar that kloset's repository and snapshot builder write.
type Archive struct {
	// Snapshots are the files of each source of each snapshot.
	Snapshots [][][]File
	// Type is what the importer says of itself; "" is that of a package's.
	Type string
	// Passphrase encrypts it, with a key that derives from it fast.
	Passphrase string
	// Configure, if not nil, changes the store's configuration before it is written.
	Configure func(*storage.Configuration)
}

// Bytes writes the archive.
func (a Archive) Bytes(t testing.TB) []byte {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := klosettest.Context(t)
	ctx.Hostname, ctx.Username, ctx.MachineID = "builder.example", "somebody", "0123-4567"
	ctx.CommandLine = "plakar pkg create manifest.yaml v1.0.0"

	config := storage.NewConfiguration()
	config.Encryption = nil
	config.Packfile.MaxSize = math.MaxUint64
	if a.Configure != nil {
		a.Configure(config)
	}
	var key []byte
	hasher := hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM)
	if a.Passphrase != "" {
		config.Encryption = encryption.NewConfiguration("PBKDF2")
		config.Encryption.KDFParams.Pbkdf2Params.Iterations = 10
		var err error
		key, err = encryption.DeriveKey(config.Encryption.KDFParams, []byte(a.Passphrase))
		must(err)
		config.Encryption.Canary, err = encryption.DeriveCanary(config.Encryption, key)
		must(err)
		hasher = hashing.GetMACHasher(storage.DEFAULT_HASHING_ALGORITHM, key)
	}
	serialized, err := config.ToBytes()
	must(err)
	wrapper, err := storage.Serialize(hasher, resources.RT_CONFIG,
		versioning.GetCurrentVersion(resources.RT_CONFIG), bytes.NewReader(serialized))
	must(err)
	wrapped, err := io.ReadAll(wrapper)
	must(err)

	file := filepath.Join(t.TempDir(), "upstream.ptar")
	store, err := storage.Create(ctx, map[string]string{"location": "ptar:" + file}, wrapped)
	must(err)
	repo, err := repository.New(ctx, key, store, wrapped)
	must(err)
	id := objects.RandomMAC()
	cache, err := ctx.GetCache().Scan(id)
	must(err)
	writer := repo.NewRepositoryWriter(cache, id, repository.PtarType, "")
	for _, sources := range a.Snapshots {
		builder, err := snapshot.CreateWithRepositoryWriter(writer,
			&snapshot.BuilderOptions{NoCheckpoint: true, NoCommit: true}, objects.NilMac)
		must(err)
		for _, files := range sources {
			source, err := snapshot.NewSource(ctx, importer{cmp.Or(a.Type, "pkger"), files})
			must(err)
			must(builder.Backup(source))
		}
		_, err = builder.PutSnapshot()
		must(err)
	}
	writer.PackerManager.Wait()
	must(writer.CommitTransaction(id))
	must(store.Close(ctx))

	data, err := os.ReadFile(file)
	must(err)
	return data
}

// importer hands the files to the snapshot builder.
type importer struct {
	typ   string
	files []File
}

func (importer) Origin() string              { return "" }
func (i importer) Type() string              { return i.typ }
func (importer) Root() string                { return "/" }
func (importer) Flags() location.Flags       { return 0 }
func (importer) Ping(context.Context) error  { return nil }
func (importer) Close(context.Context) error { return nil }

func (i importer) Import(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	folder := func(name string) {
		info := objects.NewFileInfo(path.Base(name), 0, fs.ModeDir|0o700, time.Unix(0, 0), 0, 0, 0, 0, 1)
		records <- &connectors.Record{Pathname: name, FileInfo: info}
	}
	folder("/")
	for _, f := range i.files {
		name := path.Join("/", f.Path)
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			folder(dir)
		}
		if f.Err != nil {
			records <- connectors.NewError(name, f.Err)
			continue
		}
		info := objects.NewFileInfo(path.Base(name), int64(len(f.Content)), f.Mode, time.Unix(1700000000, 123456789),
			2049, 131072, 1000, 1000, 1)
		records <- &connectors.Record{
			Pathname: name, FileInfo: info, Target: f.Target, Reader: io.NopCloser(bytes.NewReader(f.Content)),
			ExtendedAttributes: slices.Sorted(maps.Keys(f.Attributes)),
		}
		for _, attribute := range slices.Sorted(maps.Keys(f.Attributes)) {
			records <- connectors.NewXattr(name, attribute, objects.AttributeExtended, func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(f.Attributes[attribute])), nil
			})
		}
	}
	return nil
}
