package connector

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"unicode/utf8"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/exclude"
	"github.com/pkg/sftp"

	"github.com/PlakarKorp/kpkg/sdk"
)

// Importer is one tree on one server. Files are opened only when their contents are asked for. Only a root that cannot be read
// fails the import.
type Importer struct {
	*server
	excludes *exclude.RuleSet
}

// NewImporter connects to the server of the location. ctx bounds that alone.
func NewImporter(ctx context.Context, opts *sdk.Options, proto string, config map[string]string) (*Importer, error) {
	a, err := newAccount(proto, config)
	if err != nil {
		return nil, err
	}
	imp := &Importer{excludes: exclude.NewRuleSet()}
	if err := imp.excludes.AddRulesFromArray(opts.Excludes); err != nil {
		return nil, fmt.Errorf("exclude rules: %w", err)
	}
	imp.server, err = dial(ctx, a)
	return imp, err
}

// Flags is 0: the import can be repeated, and waits for no acknowledgement.
func (imp *Importer) Flags() sdk.Flags { return 0 }

// Import sends the tree.
func (imp *Importer) Import(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	client, err := imp.client(ctx)
	if err != nil {
		return err
	}
	top, err := client.Lstat(imp.root)
	if err == nil && top.Mode()&fs.ModeSymlink != 0 {
		top, err = client.Stat(imp.root) // where the location leads is what is meant
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", imp.root, imp.named(err))
	}
	w := walk{imp, ctx, client, records}
	return w.entry(imp.root, top)
}

type walk struct {
	*Importer
	ctx     context.Context
	client  *connection
	records chan<- *connectors.Record
}

// entry sends an entry, and what is below it. The error ends the import.
func (w walk) entry(name string, info fs.FileInfo) error {
	if name != w.root && w.excludes.IsExcluded(name, info.IsDir()) {
		return nil
	}
	var target string
	if info.Mode()&fs.ModeSymlink != 0 {
		var err error
		if target, err = w.client.ReadLink(name); err != nil {
			return w.failed(name, err)
		}
	}
	if err := w.send(w.record(name, target, info)); err != nil || !info.IsDir() {
		return err
	}
	children, err := w.client.ReadDirContext(w.ctx, name)
	if err != nil {
		if name == w.root {
			return fmt.Errorf("read %s: %w", name, w.named(err))
		}
		return w.failed(name, err)
	}
	for _, child := range children {
		if !utf8.ValidString(child.Name()) {
			if err := w.failed(path.Join(name, fmt.Sprintf("%q", child.Name())), errName); err != nil {
				return err
			}
			continue
		}
		if err := w.entry(path.Join(name, child.Name()), child); err != nil {
			return err
		}
	}
	return nil
}

var errName = fmt.Errorf("its name is not UTF-8, which no snapshot can hold")

func (w walk) record(name, target string, info fs.FileInfo) *connectors.Record {
	about := sdk.FileInfo{Name: path.Base(name), Mode: info.Mode(), ModTime: info.ModTime()}
	if owner, ok := info.Sys().(*sftp.FileStat); ok {
		about.UID, about.GID = uint64(owner.UID), uint64(owner.GID)
	}
	open := func() (io.ReadCloser, error) { return nil, fs.ErrInvalid }
	if info.Mode().IsRegular() {
		about.Size = info.Size()
		open = func() (io.ReadCloser, error) {
			client, err := w.server.client(context.WithoutCancel(w.ctx))
			if err != nil {
				return nil, err
			}
			file, err := client.Open(name)
			if err != nil {
				return nil, w.named(err)
			}
			if about.Size <= packet {
				return &object{file, file, w.account}, nil
			}
			r := readAhead(file, file, about.Size)
			return &object{r, r, w.account}, nil
		}
	}
	return connectors.NewRecord(name, target, sdk.NewFileInfo(about), nil, open)
}

// failed sends what could not be read, unless nothing can be any more.
func (w walk) failed(name string, err error) error {
	select {
	case <-w.client.ended:
		return fmt.Errorf("the connection has ended: %w", w.named(err))
	default:
	}
	if os.IsNotExist(err) { // it went away meanwhile
		err = fmt.Errorf("it has gone while it was looked at: %w", err)
	}
	return w.send(connectors.NewError(name, w.named(err)))
}

func (w walk) send(r *connectors.Record) error {
	select {
	case w.records <- r:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}
