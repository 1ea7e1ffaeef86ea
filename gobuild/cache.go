package gobuild

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
)

// cache keeps executables between runs. go build leaves a file alone that it would link again the same, which it tells by
// the build id inside; keeping the last outputs so saves the links, which go's own cache does not hold.
//
// An entry is a folder outputs/KEY with the executables of one manifest for one platform. A build works in a folder of its
// own below work/, into which the entry's files are linked, and puts new ones back by renaming. So runs at the same time
// need no locks: a file in an entry is always whole, and one taken away stays with those who have linked it.
type cache struct {
	root string
}

const (
	cacheLimit = 2 << 30             // bytes kept
	cacheAge   = 30 * 24 * time.Hour // since the last use
	workAge    = 24 * time.Hour      // after which a work folder is what a killed run left behind
)

// openCache uses root, or else the folder kpkg in the user's cache. Where that cannot be written, such as in a container
// without a home, work happens in the system's temporary folder and nothing is kept.
func openCache(root string) cache {
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return cache{}
		}
		root = filepath.Join(user, "kpkg")
	}
	for _, dir := range []string{"outputs", "work"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			return cache{}
		}
	}
	return cache{root}
}

// work creates a private folder on the same file system as the entries.
func (c cache) work() (string, error) {
	if c.root == "" {
		return os.MkdirTemp("", "kpkg-")
	}
	return os.MkdirTemp(filepath.Join(c.root, "work"), "")
}

// entry is the folder of the outputs of a plan for a platform; empty if nothing is kept. The version stamped in is no part
// of the name, so that a new one takes the place of the old.
func (c cache) entry(plan *Plan, platform executable.Platform) string {
	if c.root == "" {
		return ""
	}
	dir, err := filepath.Abs(plan.Dir)
	if err != nil {
		return ""
	}
	identity, err := json.Marshal(struct {
		Dir      string
		Plan     *Plan
		Settings any
		Platform executable.Platform
	}{dir, plan, plan.settings, platform})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(identity)
	return filepath.Join(c.root, "outputs", hex.EncodeToString(sum[:16]))
}

// fetch links what an entry holds into dir. Failing to is no error: the file is linked by go then.
func fetch(entry, dir string) {
	files, err := os.ReadDir(entry)
	if err != nil {
		return
	}
	for _, file := range files {
		link(filepath.Join(entry, file.Name()), filepath.Join(dir, file.Name()))
	}
}

// link makes to a file with the content of from. Go on windows overwrites outputs in place, which must not reach the cache.
func link(from, to string) error {
	if runtime.GOOS != "windows" && os.Link(from, to) == nil {
		return nil
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// keepAll puts the executables into the entry and reports whether all were there already. work is where the entry's files
// are prepared.
func keepAll(entry string, files map[string]string, work string) (cached bool) {
	cached = true
	for _, file := range files {
		kept := filepath.Join(entry, filepath.Base(file))
		if sameContent(kept, file) {
			continue
		}
		cached = false
		// A failure costs the next run a link and nothing else.
		fresh := filepath.Join(work, "keep-"+filepath.Base(file))
		if os.MkdirAll(entry, 0o700) == nil && link(file, fresh) == nil {
			_ = os.Rename(fresh, kept)
		}
	}
	return cached
}

func sameContent(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA != nil || errB != nil || infoA.Size() != infoB.Size() {
		return false
	}
	if os.SameFile(infoA, infoB) {
		return true
	}
	fileA, errA := os.Open(a)
	if errA != nil {
		return false
	}
	defer fileA.Close()
	fileB, errB := os.Open(b)
	if errB != nil {
		return false
	}
	defer fileB.Close()
	bufferA, bufferB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(fileA, bufferA)
		m, errB := io.ReadFull(fileB, bufferB)
		if !bytes.Equal(bufferA[:n], bufferB[:m]) {
			return false
		}
		if errA != nil || errB != nil {
			return errA == errB && errA != nil && (errA == io.EOF || errA == io.ErrUnexpectedEOF)
		}
	}
}

// touch notes the use of an entry.
func touch(entry string) {
	now := time.Now()
	_ = os.Chtimes(entry, now, now) // an entry that is not there needs none
}

// prune removes what was not used for cacheAge, then the least recently used until cacheLimit holds, and the folders that
// killed runs left behind.
func (c cache) prune() error {
	type entry struct {
		path string
		used time.Time
		size int64
	}
	var entries []entry
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
		e := entry{path, info.ModTime(), folderSize(path)}
		entries, total = append(entries, e), total+e.size
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if total > cacheLimit || time.Since(e.used) > cacheAge {
			err = errors.Join(err, os.RemoveAll(e.path))
			total -= e.size
		}
	}
	return errors.Join(err, c.removeWork(workAge))
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
func (c cache) removeWork(age time.Duration) error {
	folders, err := os.ReadDir(filepath.Join(c.root, "work"))
	for _, folder := range folders {
		if info, infoErr := folder.Info(); infoErr == nil && time.Since(info.ModTime()) > age {
			err = errors.Join(err, os.RemoveAll(filepath.Join(c.root, "work", folder.Name())))
		}
	}
	return err
}

// Clean removes all executables kept between runs and returns where they were and how many bytes that freed. Runs in
// progress are not disturbed.
func Clean() (dir string, freed int64, err error) {
	c := openCache("")
	if c.root == "" {
		return "", 0, errors.New("there is no cache folder: neither HOME nor XDG_CACHE_HOME names a folder that can be written")
	}
	folders, err := os.ReadDir(filepath.Join(c.root, "outputs"))
	for _, folder := range folders {
		entry := filepath.Join(c.root, "outputs", folder.Name())
		size := folderSize(entry)
		if removeErr := os.RemoveAll(entry); removeErr != nil {
			err = errors.Join(err, removeErr)
			continue
		}
		freed += size
	}
	if err = errors.Join(err, c.removeWork(workAge)); err != nil {
		return c.root, freed, fmt.Errorf("cleaning %s: %w", c.root, err)
	}
	return c.root, freed, nil
}
