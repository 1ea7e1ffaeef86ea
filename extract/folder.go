package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/selection"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Folder writes into the folder dir, which it makes if need be. What the snapshot's source began at becomes dir itself; of a source
// that is one file, the file comes into it.
//
// Entries get the permissions, times and extended attributes of the snapshot, names of one file are hard links; folders get theirs last,
// so that what is in them can be written. So do folders above what is selected, even when they were there before, but not
// dir itself unless it was made here. The error is what kept all further entries from being written: an ended ctx, a full
// disk, a damaged tree. Files are there in whole or not at all, whatever happens.
func Folder(ctx context.Context, snapshot *ptarread.Snapshot, dir string, opts Options) (Result, error) {
	x := &extraction{ctx: ctx, snapshot: snapshot, opts: opts, work: make(chan task, queued)}
	selected, err := selection.New(snapshot.Source().Root, opts.Patterns)
	if err != nil {
		return Result{}, err
	}
	x.selected = selected
	err = x.run(dir)
	result := x.now()
	slices.SortStableFunc(result.Failures, func(a, b Failure) int { return strings.Compare(a.Path, b.Path) })
	return result, err
}

const (
	// queued is how many entries wait for a writer. Each holds its folder open.
	queued = 64
	// writers bounds the memory: each holds a chunk as it is stored and as it is written.
	writers = 4
	// openDepth is how many folders of a path are held open. Further below it is each 32nd, from which the others are reached: that takes
	// longer, and little of what a process may hold open.
	openDepth = 64
	openEach  = 32
)

// extraction is one run of Folder. One goroutine walks through the snapshot and makes folders, others write what is in them.
type extraction struct {
	tally
	ctx      context.Context
	snapshot *ptarread.Snapshot
	selected *selection.Selection
	opts     Options

	top   *folder   // dir
	stack []*folder // the folders that the walk is in, from the top on
	// lost is a folder that could not be made, nor can be what is in it.
	lost string
	// inodes are files of several names.
	inodes inodes

	work    chan task
	stopped atomic.Bool
	stop    sync.Once
	stopErr error
}

// task is an entry to be written into a folder.
type task struct {
	// linked is what other names of the same file are made of, nil for a file of one name; first is set for the first of them.
	linked *linked
	first  bool

	in         *folder
	name       string
	below      string
	entry      *vfs.Entry
	attributes []ptarread.Attribute
}

// folder is one that is written into. It gets its permissions and times once nothing more will be.
type folder struct {
	parent *folder
	below  string
	// root and name are where it is: root is the folder itself and name ".", unless it is deeper than openDepth and not held open.
	root  *os.Root
	name  string
	depth int
	owned bool // root is to be closed with it

	entry      *vfs.Entry // nil for one that keeps its permissions and times
	attributes []ptarread.Attribute
	// pending counts what is being written into it: tasks, folders, and one for the walk that is in it.
	pending atomic.Int64

	opening sync.Once
	dir     *os.File
	dirFD   int
	dirErr  error
}

// handle is the folder itself, open for what os.Root cannot do in it, until it is closed.
func (f *folder) handle() (int, error) {
	f.opening.Do(func() {
		if f.dir, f.dirErr = f.root.Open(f.name); f.dirErr == nil {
			f.dirFD = int(f.dir.Fd())
		}
	})
	return f.dirFD, f.dirErr
}

func (f *folder) close() {
	if f.dir != nil {
		f.dir.Close()
	}
	if f.owned {
		f.root.Close()
	}
}

// at is the name of an entry of the folder, from its root.
func (f *folder) at(name string) string { return filepath.Join(f.name, name) }

// errStopped ends a walk that has nothing left to do.
var errStopped = errors.New("stopped")

func (x *extraction) run(dir string) (err error) {
	made := false
	if err := os.Mkdir(dir, 0o777); err == nil {
		made = true
	} else if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return fmt.Errorf("make the folder to extract into: %w", err)
		}
		made = true
	} else if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the folder to extract into: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the folder to extract into: %w", err)
	}
	x.top = &folder{below: ".", root: root, name: ".", owned: true}
	x.top.pending.Store(1)
	x.stack = []*folder{x.top}

	var group sync.WaitGroup
	for range min(writers, max(2, runtime.GOMAXPROCS(0))) {
		group.Go(x.write)
	}
	if err = x.missing(x.ctx, x.snapshot, x.selected); err == nil {
		err = x.walk(made)
	}
	for len(x.stack) > 0 {
		x.leave()
	}
	close(x.work)
	group.Wait()
	if x.stopErr != nil {
		return x.stopErr
	}
	return err
}

// walk makes the folders and hands out the rest.
func (x *extraction) walk(made bool) error {
	base, err := x.snapshot.Entry(x.ctx, x.snapshot.Source().Root)
	if err != nil {
		return fmt.Errorf("where the snapshot begins: %w", err)
	}
	if base.IsDir() && made {
		x.top.entry = base
		x.top.attributes = x.attributes(".", base)
	}
	err = x.selected.Walk(x.ctx, x.snapshot, func(below string, e *vfs.Entry, err error) error {
		switch {
		case x.stopped.Load():
			return errStopped
		case err != nil:
			return x.failed(below, err)
		case below == "." && e.IsDir():
			return nil
		case below == ".":
			below = path.Base(x.snapshot.Source().Root)
		}
		return x.entry(below, e)
	})
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// failed counts a failure and ends everything if there is no use in going on.
func (x *extraction) failed(below string, err error) error {
	name := x.selected.Path(below)
	if fatal(x.ctx, err) {
		x.end(fmt.Errorf("%.200q: %w", name, err))
		return errStopped
	}
	if errors.Is(err, selection.ErrNone) {
		name = ""
	}
	x.fail(name, err)
	return nil
}

func (x *extraction) end(err error) {
	x.stop.Do(func() {
		if x.ctx.Err() != nil {
			err = context.Cause(x.ctx)
		}
		x.stopErr = err
		x.stopped.Store(true)
	})
}

// entry makes the folder at a path below the top, or has the writers make something else.
func (x *extraction) entry(below string, e *vfs.Entry) error {
	if x.lost != "" && strings.HasPrefix(below, x.lost) {
		x.fail(x.selected.Path(below), errors.New("the folder it is in could not be made"))
		return nil
	}
	x.lost = ""
	parent, name := path.Split(below)
	if err := x.enter(strings.TrimSuffix(parent, "/")); err != nil || x.lost != "" {
		return err
	}
	in := x.stack[len(x.stack)-1]
	if !filepath.IsLocal(name) || filepath.Base(name) != name {
		if e.IsDir() {
			x.lost = below + "/"
		}
		return x.failed(below, errors.New("no file here can have this name"))
	}
	if e.IsDir() {
		return x.push(in, name, below, e)
	}
	if !x.opts.Owners && e.FileInfo.Uid() != uint64(os.Geteuid()) {
		x.owners.Add(1)
	}
	in.pending.Add(1)
	t := task{in: in, name: name, below: below, entry: e, attributes: x.attributes(below, e)}
	t.linked, t.first = x.inodes.meet(below, e)
	x.work <- t
	if x.opts.Progress != nil {
		x.opts.Progress(x.now())
	}
	return nil
}

// attributes finds those of an entry; what cannot be read of them is a failure of the entry.
func (x *extraction) attributes(below string, e *vfs.Entry) []ptarread.Attribute {
	name := x.selected.Path(below)
	if e.Path() != name { // a source that is one file
		name = e.Path()
	}
	found, err := x.snapshot.AttributesOf(x.ctx, name, e)
	if err != nil && x.ctx.Err() == nil {
		x.fail(name, err)
	}
	return found
}

// enter goes to the folder at a path below the top: it leaves those that the path is not in, and makes those on the way that
// were not selected themselves, as the snapshot has them.
func (x *extraction) enter(below string) error {
	for {
		top := x.stack[len(x.stack)-1]
		if top.below == "." || top.below == below || strings.HasPrefix(below, top.below+"/") {
			break
		}
		x.leave()
	}
	for {
		top := x.stack[len(x.stack)-1]
		if top.below == below || below == "" {
			return nil
		}
		rest := below
		if top.below != "." {
			rest = below[len(top.below)+1:]
		}
		name, _, _ := strings.Cut(rest, "/")
		next := path.Join(top.below, name)
		e, err := x.snapshot.Entry(x.ctx, x.selected.Path(next))
		if err != nil {
			x.lost = next + "/"
			return x.failed(next, err)
		}
		if err := x.push(top, name, next, e); err != nil || x.lost != "" {
			return err
		}
	}
}

// push makes a folder, unless it is there, and goes into it.
func (x *extraction) push(in *folder, name, below string, e *vfs.Entry) error {
	f := &folder{parent: in, below: below, entry: e, depth: in.depth + 1}
	if err := x.open(f, in, name); err != nil {
		x.lost = below + "/"
		return x.failed(below, err)
	}
	f.attributes = x.attributes(below, e)
	f.pending.Store(1)
	in.pending.Add(1)
	x.folders.Add(1)
	x.stack = append(x.stack, f)
	return nil
}

// open makes a folder for what comes into it, and opens it.
func (x *extraction) open(f, in *folder, name string) error {
	at := in.at(name)
	err := in.root.Mkdir(at, 0o700)
	var there fs.FileInfo
	if errors.Is(err, fs.ErrExist) {
		if there, err = in.root.Lstat(at); err == nil && !there.IsDir() {
			if !x.opts.Force {
				return inTheWay(there)
			}
			if err = in.root.Remove(at); err == nil {
				err = in.root.Mkdir(at, 0o700)
			}
			there = nil
		}
	}
	if err != nil {
		return plain(err)
	}
	if in.depth >= openDepth && in.depth%openEach != 0 {
		f.root, f.name = in.root, at
	} else {
		if f.root, err = in.root.OpenRoot(at); err != nil {
			return plain(err)
		}
		f.name, f.owned = ".", true
	}
	if there == nil {
		return nil
	}
	// Nobody must have put a link into its place, and others' permissions must not keep the owner out.
	now, err := f.root.Stat(f.name)
	if err == nil && !os.SameFile(there, now) {
		err = errors.New("it was replaced meanwhile")
	}
	if err == nil && there.Mode().Perm()&0o700 != 0o700 {
		err = f.root.Chmod(f.name, there.Mode().Perm()|0o700)
	}
	if err != nil && f.owned {
		f.root.Close()
	}
	return plain(err)
}

// leave ends the walk in the last folder.
func (x *extraction) leave() {
	last := len(x.stack) - 1
	f := x.stack[last]
	x.stack = x.stack[:last]
	x.release(f)
}

// release completes a folder if nothing is pending in it, and then those that it is in.
func (x *extraction) release(f *folder) {
	for f != nil && f.pending.Add(-1) == 0 {
		if f.entry != nil {
			if err := x.complete(f); err != nil {
				x.failed(f.below, err)
			}
		}
		f.close()
		f = f.parent
	}
}

// complete gives a folder its attributes, permissions and times.
func (x *extraction) complete(f *folder) error {
	var errs []error
	if len(f.attributes) > 0 {
		set := func(name string, value []byte) error { return setxattr(f, name, value) }
		errs = append(errs, x.setAttributes(set, f.attributes))
	}
	info := f.entry.FileInfo
	if x.opts.Owners {
		errs = append(errs, plain(f.root.Lchown(f.name, owner(info.Uid()), owner(info.Gid()))))
	}
	errs = append(errs, plain(f.root.Chmod(f.name, info.Mode()&(fs.ModePerm|fs.ModeSticky))))
	errs = append(errs, plain(f.root.Chtimes(f.name, info.ModTime(), info.ModTime())))
	return errors.Join(errs...)
}

// write makes what is in folders until there is nothing more.
func (x *extraction) write() {
	buffer := make([]byte, 256<<10)
	for t := range x.work {
		if !x.stopped.Load() {
			if err := x.make(t, buffer); err != nil {
				x.failed(t.below, err)
			}
		}
		if t.first {
			close(t.linked.done)
		}
		x.release(t.in)
	}
}

func (x *extraction) make(t task, buffer []byte) error {
	mode := t.entry.FileInfo.Mode()
	switch {
	case mode.IsRegular() && x.hardLink(t):
		return nil
	case mode.IsRegular():
		return x.file(t, buffer)
	case isLink(t.entry):
		return x.link(t)
	}
	return errKind(mode)
}

// file writes a regular file under its name, or under another one first if it is to replace what has the name.
func (x *extraction) file(t task, buffer []byte) (err error) {
	at := t.in.at(t.name)
	name := t.name
	out, err := create(t.in, name)
	if errors.Is(err, fs.ErrExist) {
		if !x.opts.Force {
			there, _ := t.in.root.Lstat(at)
			return inTheWay(there)
		}
		name = temporary()
		out, err = create(t.in, name)
	}
	if err != nil {
		return plain(err)
	}
	written := t.in.at(name)
	n, err := x.copy(out, t.entry.Object, buffer)
	if err != nil {
		out.close()
		return errors.Join(plain(err), plain(t.in.root.Remove(written)))
	}
	info := t.entry.FileInfo
	// What is about the file as a whole fails apart from its content, which stays.
	var errs []error
	if x.opts.Owners {
		errs = append(errs, plain(out.chown(owner(info.Uid()), owner(info.Gid()))))
	}
	if len(t.attributes) > 0 {
		errs = append(errs, x.setAttributes(out.setxattr, t.attributes))
	}
	errs = append(errs, plain(out.chmod(info.Mode().Perm())))
	if err := out.close(); err != nil {
		return errors.Join(plain(err), plain(t.in.root.Remove(written)))
	}
	errs = append(errs, plain(setTime(t.in, name, info.ModTime())))
	if name != t.name {
		if err := x.replace(t.in, written, at); err != nil {
			return err
		}
	}
	if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		x.setIDs.Add(1)
	}
	if t.first {
		t.linked.written = true
	}
	x.files.Add(1)
	x.bytes.Add(n)
	return errors.Join(errs...)
}

// copy writes the content of an object.
func (x *extraction) copy(out io.Writer, object objects.MAC, buffer []byte) (int64, error) {
	content, err := x.snapshot.Content(x.ctx, object)
	if err != nil {
		return 0, err
	}
	return io.CopyBuffer(onlyWriter{out}, content, buffer)
}

// onlyWriter hides ReadFrom, which would go past the buffer.
type onlyWriter struct{ io.Writer }

// link makes a symbolic link, which is never followed here.
func (x *extraction) link(t task) error {
	at := t.in.at(t.name)
	err := t.in.root.Symlink(t.entry.SymlinkTarget, at)
	if errors.Is(err, fs.ErrExist) {
		if !x.opts.Force {
			there, _ := t.in.root.Lstat(at)
			return inTheWay(there)
		}
		other := t.in.at(temporary())
		if err = t.in.root.Symlink(t.entry.SymlinkTarget, other); err == nil {
			if err = x.replace(t.in, other, at); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return plain(err)
	}
	x.links.Add(1)
	info := t.entry.FileInfo
	var errs []error
	if x.opts.Owners {
		errs = append(errs, plain(t.in.root.Lchown(at, owner(info.Uid()), owner(info.Gid()))))
	}
	if len(t.attributes) > 0 {
		set := func(name string, value []byte) error { return setLinkAttribute(t.in, t.name, name, value) }
		errs = append(errs, x.setAttributes(set, t.attributes))
	}
	return errors.Join(append(errs, plain(setTime(t.in, t.name, info.ModTime())))...)
}

// replace gives a file that was written under another name its own, and removes it if that cannot be.
func (x *extraction) replace(in *folder, written, at string) error {
	there, err := in.root.Lstat(at)
	if err == nil && there.IsDir() {
		err = in.root.RemoveAll(at)
	}
	if err == nil {
		err = in.root.Rename(written, at)
	}
	if err != nil {
		return errors.Join(plain(err), plain(in.root.Remove(written)))
	}
	return nil
}

// temporary is a name that nothing has.
func temporary() string { return fmt.Sprintf(".kpkg-%016x.tmp", rand.Uint64()) }

// inTheWay is the failure of an entry whose name something else has, which is nil if that has just gone.
func inTheWay(there fs.FileInfo) error {
	kind := "something"
	if there != nil {
		kind = regular.AKind(there.Mode())
	}
	return fmt.Errorf("%s is in the way; --force replaces it", kind)
}

// plain is an error without the names of files in it, which are below a folder that says little.
func plain(err error) error {
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		return fmt.Errorf("%s: %w", at.Op, at.Err)
	case errors.As(err, &link):
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}

// owner is an identifier as the system takes it: -1, which changes nothing, for what it cannot be.
func owner(id uint64) int {
	if id >= 1<<32-1 {
		return -1
	}
	return int(id)
}

// setAttributes sets the extended attributes of a file or folder.
func (x *extraction) setAttributes(set func(name string, value []byte) error, attributes []ptarread.Attribute) error {
	var errs []error
	for _, a := range attributes {
		if err := x.setAttribute(set, a); err != nil {
			errs = append(errs, fmt.Errorf("the attribute %.80q: %w", a.Name, plain(err)))
		}
	}
	return errors.Join(errs...)
}

// maxAttribute is the longest value of an attribute that Linux takes.
const maxAttribute = 64 << 10

func (x *extraction) setAttribute(set func(name string, value []byte) error, a ptarread.Attribute) error {
	if a.Type != objects.AttributeExtended {
		return errors.New("alternate data streams are Windows'")
	}
	content, err := x.snapshot.Content(x.ctx, a.Object)
	if err != nil {
		return err
	}
	value, err := io.ReadAll(io.LimitReader(content, maxAttribute+1))
	if err != nil {
		return err
	}
	if len(value) > maxAttribute {
		return fmt.Errorf("its value has more than %d bytes", maxAttribute)
	}
	return set(a.Name, value)
}
