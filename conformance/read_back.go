package conformance

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// destination is where a check exports to, and how that can be looked at.
type destination struct {
	// base is a folder below the location, in paths of records, that keeps apart what checks have written; "" where there
	// is no need for it, or where only the author's sample is accepted.
	base string
	// folder is where the base is on this machine, "" if it is elsewhere.
	folder string
	// settings are those of the importer that reads it back.
	settings map[string]string
}

// destination is that of an exporter's check.
func (s *subject) destination() destination {
	d := destination{settings: s.settings(s.place())}
	if s.config.SingleFile {
		return d
	}
	if s.folder != "" {
		d.folder = s.target()
		return d
	}
	if s.sample == nil {
		d.base = "/" + filepath.Base(s.temporary) + "-" + filepath.Base(s.dir)
	}
	if s.manifestFlags&location.FLAG_LOCALFS != 0 {
		d.folder = filepath.FromSlash(host.ParseLocation(s.settings(s.location)["location"]).Rest + d.base)
	}
	return d
}

// onDisk tells a destination in a folder of this machine. It can keep all that a file is; another may not be able to.
func (s *subject) onDisk() bool { return s.destination().folder != "" }

// at is the path of a record for what is at a path below the base.
func (d destination) at(name string) string {
	if d.base != "" && name == "/" {
		return d.base
	}
	return d.base + name
}

// readBackEntry is what is at the destination under a path.
type readBackEntry struct {
	mode   fs.FileMode
	time   time.Time
	target string
	size   int64
	sum    [sha256.Size]byte
	err    error // why it cannot be read
	// unread is what the importer says that reads back what was written, and cannot read this. The exporter is not to blame.
	unread error
}

// readBack is what is at a destination, by the path below its base.
type readBack map[string]readBackEntry

// look tells what is at a destination: in its folder on this machine, or through the importer that reads it back.
func (s *subject) look(ctx context.Context, d destination) (readBack, error) {
	if d.folder != "" {
		return lookInFolder(d.folder)
	}
	if s.fileIsMissing(d) {
		return nil, nil
	}
	p, err := s.startProgram(ctx, s.config.ReadBack, s.hostOptions(", read back: "))
	if err != nil {
		return nil, fmt.Errorf("reading back what was written: %w", err)
	}
	defer p.Close()
	imp, err := p.Importer(ctx, s.options(), s.config.Protocol, d.settings)
	if err != nil {
		return nil, fmt.Errorf("reading back what was written: %w", err)
	}
	defer imp.Close(ctx)
	l, err := readAll(ctx, imp, 4)
	if err != nil {
		return nil, fmt.Errorf("reading back what was written: %w", err)
	}
	there := readBack{}
	for _, r := range l.records {
		if r.IsXattr || !below(r.Pathname, l.root) || !below(within(r.Pathname, l.root), d.at("/")) {
			continue
		}
		got := l.read[key(r)]
		there[within(within(r.Pathname, l.root), d.at("/"))] = readBackEntry{
			mode: r.FileInfo.Lmode, time: r.FileInfo.LmodTime, target: r.Target,
			size: got.size, sum: got.sum, unread: errors.Join(r.Err, got.err),
		}
	}
	return there, nil
}

// fileIsMissing tells a destination that is one file of this machine, of which there is none.
func (s *subject) fileIsMissing(d destination) bool {
	if !s.config.SingleFile || s.manifestFlags&location.FLAG_LOCALFS == 0 {
		return false
	}
	_, err := os.Lstat(filepath.FromSlash(host.ParseLocation(d.settings["location"]).Rest))
	return errors.Is(err, fs.ErrNotExist)
}

// within is the path of what is at or below a folder, as seen from there.
func within(name, folder string) string { return path.Clean("/" + strings.TrimPrefix(name, folder)) }

func lookInFolder(folder string) (readBack, error) {
	there := readBack{}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = entry.Info()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was written, or a temporary file has just been removed
		}
		if err != nil {
			return err
		}
		a := readBackEntry{mode: info.Mode(), time: info.ModTime()}
		switch {
		case a.mode.IsRegular():
			a.size, a.sum, a.err = sumOf(name) // it may have no permission to be read
		case a.mode.Type() == fs.ModeSymlink:
			a.target, err = os.Readlink(name)
		}
		there[within(filepath.ToSlash(name), filepath.ToSlash(folder))] = a
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking at what was written: %w", err)
	}
	return there, nil
}

// find tells what has become of an item: what is under its name, or, if that is nothing, a file with its content under
// another name in the same folder.
func (there readBack) find(i item) (a readBackEntry, renamed, found bool) {
	if a, ok := there[i.path]; ok {
		return a, false, true
	}
	for name, a := range there {
		if i.mode.IsRegular() && path.Dir(name) == path.Dir(i.path) && a.same(i.data) == nil {
			return a, true, true
		}
	}
	return readBackEntry{}, false, false
}

// renames tells a destination that gives every file a name of its own, as a mail server does.
func (there readBack) renames(sent items) bool {
	renames := false
	for _, file := range sent.of(0) {
		_, renamed, found := there.find(file)
		if found && !renamed {
			return false
		}
		renames = renames || renamed
	}
	return renames
}

// converts tells a destination that gives back other contents than those of all files that were sent, and are there.
func (there readBack) converts(sent items) bool {
	converts := false
	for _, file := range sent.of(0) {
		a, _, found := there.find(file)
		if err := a.same(file.data); found && (err == nil || a.err != nil || a.unread != nil) {
			return false
		}
		converts = converts || found
	}
	return converts
}

// anyNew tells whether there is a file that was not there before, or with another content.
func (there readBack) anyNew(before readBack) bool {
	for name, a := range there {
		if was, known := before[name]; a.mode.IsRegular() && a.unread == nil && (!known || was.sum != a.sum) {
			return true
		}
	}
	return false
}

// want checks that a file is there with its content.
func (there readBack) want(file item) error {
	a, _, found := there.find(file)
	if !found {
		return fmt.Errorf("%q is not there", file.path)
	}
	err := a.same(file.data)
	if status, detail := outcome(err); status == Skip {
		return skipf("%q: %s", file.path, detail)
	}
	if err != nil {
		return fmt.Errorf("%q has %w", file.path, err)
	}
	return nil
}

// wantAll checks that all files are there with their contents. One that cannot be judged does not keep it from the others.
func (there readBack) wantAll(sent items) error {
	var notJudged error
	for _, file := range sent.of(0) {
		err := there.want(file)
		if status, _ := outcome(err); status == Fail {
			return err
		}
		notJudged = cmp.Or(notJudged, err)
	}
	return notJudged
}

// anyFolder tells whether there is a folder below the base.
func (there readBack) anyFolder() bool {
	for name, a := range there {
		if name != "/" && a.mode.IsDir() {
			return true
		}
	}
	return false
}

// same says how an arrival differs from what was sent.
func (a readBackEntry) same(data []byte) error {
	switch {
	case a.unread != nil:
		return skipf("not judged, as the importer that reads back what was written cannot read it: %v", a.unread)
	case a.err != nil:
		return fmt.Errorf("an error: %w", a.err)
	case !a.mode.IsRegular():
		return fmt.Errorf("mode %v, and is no file", a.mode)
	case a.size != int64(len(data)):
		return fmt.Errorf("%d bytes instead of %d", a.size, len(data))
	case a.sum != sha256.Sum256(data):
		return fmt.Errorf("other content than was sent, %d bytes of it", len(data))
	}
	return nil
}

// sumOf is how long a file is, and its SHA-256. A connector may write more than it was given.
func sumOf(name string) (size int64, sum [sha256.Size]byte, err error) {
	file, err := regular.Open(name)
	if err != nil {
		return 0, sha256.Sum256(nil), err
	}
	defer file.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, file)
	return size, [sha256.Size]byte(hash.Sum(nil)), err
}
