package conformance

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"
)

// What an author's sample may hold: it is kept in memory and sent many times.
const (
	maxSampleEntries = 1000
	maxSampleBytes   = 64 << 20
)

// madeSample is a tree with a bit of everything that every exporter of files must take.
func madeSample() items {
	sample := startItems().folder("/names", 0o755)
	for i, name := range names {
		sample = sample.file("/names/"+name, 0o644, content(uint64(i), 20+i))
	}
	sample = sample.folder("/sizes", 0o755)
	for i, size := range sizes {
		sample = sample.file(fmt.Sprintf("/sizes/%d", size), 0o644, content(uint64(50+i), size))
	}
	return sample.folder("/sizes/below", 0o755).file("/sizes/below/file", 0o644, []byte("below")).folder("/empty", 0o755)
}

// readSample reads the author's sample: the files, folders and links of a folder, with their modes, and their times in
// whole seconds. The error says what it must not hold.
func readSample(dir string) (items, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the sample: %w", err)
	}
	defer root.Close()
	tree := root.FS()
	sample, left := startItems(), int64(maxSampleBytes)
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		i := item{path: path.Join("/", name), mode: info.Mode(), time: info.ModTime().Truncate(time.Second)}
		switch {
		case info.Mode().IsRegular():
			if left -= info.Size(); left < 0 {
				return fmt.Errorf("its files have more than %d MiB: a few of each kind are enough", maxSampleBytes>>20)
			}
			i.data, err = fs.ReadFile(tree, name)
		case info.Mode().Type() == fs.ModeSymlink:
			i.target, err = fs.ReadLink(tree, name)
		case !info.IsDir():
			return fmt.Errorf("%s is neither file, folder nor link", name)
		}
		if sample = append(sample, i); len(sample) > 1+maxSampleEntries { // the root is none of the author's
			return fmt.Errorf("it has more than %d entries: a few of each kind are enough", maxSampleEntries)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the sample %s: %w", dir, err)
	}
	if sample.smallest() == nil {
		return nil, fmt.Errorf("reading the sample %s: it has no file of two bytes or more", dir)
	}
	return sample, nil
}
