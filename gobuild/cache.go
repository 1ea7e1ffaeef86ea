package gobuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// cache keeps executables between runs. go build leaves a file alone that it would link again the same, which it tells by
// the build id inside; keeping the last outputs so saves the links, which go's own cache does not hold.
//
// An entry is a folder outputs/KEY with the executables of one manifest for one platform. go does not look at the bytes
// around the build id, so the name of each ends in the SHA-256 of its content, which is compared whenever it is used. A build
// works on copies in a folder of its own below work/ and puts new ones back by renaming. So runs at the same time need no
// locks: a file in an entry is always complete, and one taken away was copied before or is not found.
//
// The sums find damage, not malice: who can write here can write a sum as well.
type cache struct {
	root  string
	debug bool // whether executables are for a debugger
	// shared says that go takes what is compiled from a program (GOCACHEPROG), and so from whoever writes the cache behind it: what
	// comes of that is kept apart, for a build that asks no such program to be free of it.
	shared bool
}

const (
	cacheLimit = 2 << 30             // bytes of executables kept
	cacheAge   = 30 * 24 * time.Hour // of an executable since its last use
	workAge    = 24 * time.Hour      // after which a work folder is what a killed run left behind
)

// openCache uses the folder root; "" keeps nothing. Where root cannot be written, such as in a container without a home, or others
// can write to it, work happens in the system's temporary folder and nothing is kept.
func openCache(root string) cache {
	if root == "" || SharedCache(root) != nil {
		return cache{}
	}
	for _, dir := range []string{"outputs", "work"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			return cache{}
		}
	}
	return cache{root: root}
}

// SharedCache says who else may write to the folder root, or to those below it that a Builder works in; nil is nobody. What is
// kept there goes into packages, so that a Builder neither uses nor keeps anything in such a place.
func SharedCache(root string) error {
	for _, dir := range []string{root, filepath.Join(root, "outputs"), filepath.Join(root, "work")} {
		info, err := os.Stat(dir)
		if err != nil {
			continue // it will be made, or it cannot be used at all
		}
		if err := regular.Private(info); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

// work creates a private folder on the same file system as the entries, and returns what removes it.
func (c cache) work() (dir string, remove func() error, err error) {
	if c.root == "" {
		f, err := scratch.Make("build")
		if err != nil {
			return "", nil, err
		}
		return f.Path, f.Remove, nil
	}
	dir, err = os.MkdirTemp(filepath.Join(c.root, "work"), "")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// entry is the folder of what is kept of a plan for a platform; its dir is empty if nothing is.
type entry struct{ dir string }

// entry finds the one of a plan for a platform. The version stamped in is no part of its name, so that a new one takes the
// place of the old.
func (c cache) entry(plan *Plan, platform executable.Platform) entry {
	if c.root == "" {
		return entry{}
	}
	dir, err := filepath.Abs(plan.Dir)
	if err != nil {
		return entry{}
	}
	identity, err := json.Marshal(struct {
		Dir      string
		Plan     *Plan
		Settings any
		Platform executable.Platform
		Debug    bool `json:",omitempty"`
		Shared   bool `json:",omitempty"`
	}{dir, plan, plan.settings, platform, c.debug, c.shared})
	if err != nil {
		return entry{}
	}
	sum := sha256.Sum256(identity)
	return entry{filepath.Join(c.root, "outputs", hex.EncodeToString(sum[:16]))}
}

// keptName is the name in an entry of an executable with that name and SHA-256; splitKept takes it apart.
func keptName(name, sum string) string { return name + "-" + sum }

func splitKept(kept string) (name, sum string, ok bool) {
	at := strings.LastIndexByte(kept, '-')
	if at < 1 || len(kept)-at-1 != hex.EncodedLen(sha256.Size) {
		return "", "", false
	}
	return kept[:at], kept[at+1:], true
}

// fetch copies the executables of an entry into dir and returns their sums by name. One that is not what was kept, or that others
// may write to, is removed and named among the damaged; so are all in an entry that others may write to. Failing to copy is no
// error: the file is linked by go then.
func (e entry) fetch(dir string) (sums map[string]string, damaged []string) {
	folder, err := os.Stat(e.dir)
	if err != nil {
		return nil, nil
	}
	shared := regular.Private(folder) != nil
	files, err := os.ReadDir(e.dir)
	if err != nil {
		return nil, nil
	}
	sums = map[string]string{}
	for _, file := range files {
		name, sum, ok := splitKept(file.Name())
		if !ok || !file.Type().IsRegular() || sums[name] != "" {
			continue
		}
		kept, copied := filepath.Join(e.dir, file.Name()), filepath.Join(dir, name)
		if info, err := file.Info(); err != nil || shared || info.Size() > cacheLimit || regular.Private(info) != nil {
			os.Remove(kept)
			damaged = append(damaged, name)
			continue
		}
		found, err := copyFile(kept, copied)
		switch {
		case err != nil:
			os.Remove(copied)
		case found != sum:
			os.Remove(copied)
			os.Remove(kept)
			damaged = append(damaged, name)
		default:
			sums[name] = sum
		}
	}
	if shared {
		_ = os.RemoveAll(e.dir) // so that it is made anew, for this user alone
	}
	return sums, damaged
}

// copyFile makes the executable file to with the content of from, and returns its SHA-256.
func copyFile(from, to string) (sum string, err error) {
	source, err := regular.Open(from)
	if err != nil {
		return "", err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(target, h), source)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, target.Close())
}

// keep puts the executables into the entry, unless their sums say that they are there. work is where they are prepared. A
// failure costs the next run a link and nothing else.
func (e entry) keep(files, sums, fetched map[string]string, work string) {
	for name, file := range files {
		if fetched[name] == sums[name] {
			continue
		}
		fresh := filepath.Join(work, "keep-"+name)
		sum, err := copyFile(file, fresh)
		if err != nil || os.MkdirAll(e.dir, 0o700) != nil {
			continue
		}
		kept := keptName(name, sum)
		if os.Rename(fresh, filepath.Join(e.dir, kept)) != nil {
			continue
		}
		others, _ := os.ReadDir(e.dir)
		for _, other := range others {
			if its, _, ok := splitKept(other.Name()); ok && its == name && other.Name() != kept {
				os.Remove(filepath.Join(e.dir, other.Name()))
			}
		}
	}
}

// listing is what go list said when the executables with these sums were built, to be said again of the same ones.
type listing struct {
	Sums  map[string]string
	Stubs []Stub
}

// maxListing is how much of a listing is read, in bytes; some packages with cgo files are named in it.
const maxListing = 4 << 20

func (e entry) listingFile() string { return filepath.Join(e.dir, "listing.json") }

func (e entry) stubs(sums map[string]string) (stubs []Stub, known bool) {
	var kept listing
	data, err := regular.Read(e.listingFile(), maxListing)
	if err != nil || json.Unmarshal(data, &kept) != nil || !maps.Equal(kept.Sums, sums) {
		return nil, false
	}
	return kept.Stubs, true
}

func (e entry) keepStubs(sums map[string]string, stubs []Stub) {
	if e.dir == "" {
		return
	}
	if data, err := json.Marshal(listing{sums, stubs}); err == nil {
		_ = regular.Replace(e.listingFile(), data, regular.PrivateMode)
	}
}

// touch notes the use of an entry.
func (e entry) touch() {
	now := time.Now()
	_ = os.Chtimes(e.dir, now, now) // an entry that is not there needs none
}

// prune removes what was not used for cacheAge, then the least recently used until cacheLimit holds, and the folders that
// killed runs left behind.
func (c cache) prune() error {
	type keptEntry struct {
		path string
		used time.Time
		size int64
	}
	var entries []keptEntry
	var total int64
	folders, err := os.ReadDir(filepath.Join(c.root, "outputs"))
	if err != nil {
		return err
	}
	for _, folder := range folders {
		info, err := folder.Info()
		if err != nil {
			continue // another run removed it
		}
		path := filepath.Join(c.root, "outputs", folder.Name())
		e := keptEntry{path, info.ModTime(), folderSize(path)}
		entries, total = append(entries, e), total+e.size
	}
	slices.SortFunc(entries, func(a, b keptEntry) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if total > cacheLimit || time.Since(e.used) > cacheAge {
			err = errors.Join(err, os.RemoveAll(e.path))
			total -= e.size
		}
	}
	return errors.Join(err, c.removeWork(context.Background(), workAge))
}

func folderSize(dir string) (size int64) {
	files, _ := os.ReadDir(dir)
	for _, file := range files {
		if info, err := file.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}

// removeWork removes the work folders older than age.
func (c cache) removeWork(ctx context.Context, age time.Duration) error {
	folders, err := os.ReadDir(filepath.Join(c.root, "work"))
	for _, folder := range folders {
		if ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if info, infoErr := folder.Info(); infoErr == nil && time.Since(info.ModTime()) > age {
			err = errors.Join(err, os.RemoveAll(filepath.Join(c.root, "work", folder.Name())))
		}
	}
	return err
}

// Clean removes all executables that Builders have kept in the folder cacheDir, until ctx ends, and returns how many bytes
// that freed. Runs in progress are not disturbed.
func Clean(ctx context.Context, cacheDir string) (freed int64, err error) {
	c := cache{root: cacheDir}
	folders, err := os.ReadDir(filepath.Join(c.root, "outputs"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, folder := range folders {
		if ctx.Err() != nil {
			return freed, context.Cause(ctx)
		}
		entry := filepath.Join(c.root, "outputs", folder.Name())
		size := folderSize(entry)
		if removeErr := os.RemoveAll(entry); removeErr != nil {
			err = errors.Join(err, removeErr)
			continue
		}
		freed += size
	}
	if err = errors.Join(err, c.removeWork(ctx, workAge)); err != nil {
		return freed, fmt.Errorf("cleaning %s: %w", c.root, err)
	}
	return freed, nil
}
