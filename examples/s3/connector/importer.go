package connector

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/exclude"
	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/sdk"
)

// asksAtOnce is how many objects are asked for their metadata at the same time.
const asksAtOnce = 16

// Importer is what is below one prefix. Objects are opened only when their contents are asked for.
type Importer struct {
	*bucket
	excludes *exclude.RuleSet
}

// NewImporter asks the server of the location for the bucket. ctx bounds that alone.
func NewImporter(ctx context.Context, opts *sdk.Options, proto string, config map[string]string) (*Importer, error) {
	a, err := newAccount(proto, config)
	if err != nil {
		return nil, err
	}
	imp := &Importer{excludes: exclude.NewRuleSet()}
	if err := imp.excludes.AddRulesFromArray(opts.Excludes); err != nil {
		return nil, fmt.Errorf("exclude rules: %w", err)
	}
	imp.bucket, err = dial(ctx, a)
	return imp, err
}

// Flags is 0: the import can be repeated, and waits for no acknowledgement.
func (imp *Importer) Flags() sdk.Flags { return 0 }

// Import sends what is below the prefix: objects as files, those whose keys end with / as folders, in no order.
func (imp *Importer) Import(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(asksAtOnce)
	w := &walk{Importer: imp, ctx: asking, records: records}
	err := imp.list(asking, imp.prefix, func(object minio.ObjectInfo) error {
		w.any = true
		if object.Key == imp.prefix {
			w.rooted = true
		}
		if err := w.conflict(object); err != nil {
			return w.send(connectors.NewError(path.Join(imp.Root(), url.PathEscape(object.Key)), err))
		}
		name := path.Join(imp.Root(), strings.TrimPrefix(object.Key, imp.prefix))
		if name != imp.Root() && imp.excludes.IsExcluded(name, strings.HasSuffix(object.Key, "/")) {
			return nil
		}
		group.Go(func() error { return w.object(name, object) })
		return asking.Err()
	})
	if waited := group.Wait(); waited != nil { // it has ended the listing
		return waited
	}
	if err != nil {
		return err
	}
	w.ctx = ctx // that of the group has ended with it
	return w.root()
}

type walk struct {
	*Importer
	ctx         context.Context
	records     chan<- *connectors.Record
	any, rooted bool // whether an object was listed, and the one of the prefix itself

	// above are the objects whose keys begin the key that comes next: in the order of a listing, no other can be its folder.
	above []string
}

// conflict tells why an object cannot be an entry of a tree.
func (w *walk) conflict(object minio.ObjectInfo) error {
	key := strings.TrimPrefix(object.Key, w.prefix)
	if key == "" {
		return nil
	}
	folder := strings.HasSuffix(key, "/")
	if err := checkKey(strings.TrimSuffix(key, "/")); err != nil {
		return fmt.Errorf("no path can be made of the key %q: %w", object.Key, err)
	}
	if folder && object.Size > 0 {
		return fmt.Errorf("the key %q ends with / as those of folders do, but the object has a content", object.Key)
	}
	for len(w.above) > 0 && !strings.HasPrefix(key, w.above[len(w.above)-1]) {
		w.above = w.above[:len(w.above)-1]
	}
	for _, file := range w.above {
		if strings.HasPrefix(key, file+"/") {
			return fmt.Errorf("the key %q is below %q, which is an object and no folder", object.Key, w.prefix+file)
		}
	}
	if !folder {
		w.above = append(w.above, key)
	}
	return nil
}

// object sends an object, with what the server keeps beside it. Only a server that does not answer is an error.
func (w *walk) object(name string, listed minio.ObjectInfo) error {
	about, err := w.api.StatObject(w.ctx, w.account.bucket, listed.Key, minio.StatObjectOptions{})
	if ofServer(err) {
		return fmt.Errorf("look at %s: %w", name, w.explain(err))
	}
	if err != nil {
		return w.send(connectors.NewError(name, w.explain(err)))
	}
	return w.send(w.record(name, about, strings.HasSuffix(listed.Key, "/") || listed.Key == ""))
}

func (w *walk) record(name string, about minio.ObjectInfo, folder bool) *connectors.Record {
	mode, modified := attributes(about, folder)
	info := sdk.FileInfo{Name: path.Base(name), Mode: mode, ModTime: modified}
	open := func() (io.ReadCloser, error) { return nil, fs.ErrInvalid }
	if !folder {
		info.Size = about.Size
		key := about.Key // the rest of what the server says of it need not be kept until it is read
		open = func() (io.ReadCloser, error) { return w.bucket.open(key, 0, 0) }
	}
	return connectors.NewRecord(name, "", sdk.NewFileInfo(info), nil, open)
}

// root sends the folder that the location names, if nothing else has, or the one object that it names.
func (w *walk) root() error {
	if w.rooted {
		return nil
	}
	if !w.any && w.prefix != "" {
		about, err := w.api.StatObject(w.ctx, w.account.bucket, strings.TrimSuffix(w.prefix, "/"), minio.StatObjectOptions{})
		if err == nil {
			return w.send(w.record(w.Root(), about, false))
		}
		return fmt.Errorf("there is nothing at %s: %w", w.Root(), w.explain(err))
	}
	return w.send(w.record(w.Root(), minio.ObjectInfo{LastModified: time.Unix(0, 0)}, true))
}

func (w *walk) send(r *connectors.Record) error {
	select {
	case w.records <- r:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}
