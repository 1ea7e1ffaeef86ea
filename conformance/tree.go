package conformance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// tree is what was made to be imported: by the path that its record must have.
type tree struct {
	root  string
	files map[string][]byte
	links map[string]string
	dirs  []string
}

// fileTime is the time of all files that the test makes: whole seconds, which every system keeps.
var fileTime = time.Date(2020, 2, 29, 12, 34, 56, 0, time.UTC)

// names are those that have broken somebody's connector. Windows has not all of them.
var names = slices.DeleteFunc([]string{
	"plain.txt", "with space", "ünï côdé", "日本語", "-dash", "#hash?&%41", "quote'\"", ".hidden", "trailing.",
}, func(name string) bool {
	return runtime.GOOS == "windows" && (strings.ContainsAny(name, `?"`) || strings.HasSuffix(name, "."))
})

// sizes are around the boundaries of buffers and messages, in bytes.
var sizes = []int{0, 1, 4095, 4096, 65537, 1 << 20, 1<<20 + 1, 5 << 20}

// content is made of pseudo-random bytes that follow from the seed.
func content(seed uint64, size int) []byte {
	data := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 'k'})
	random.Read(data)
	return data
}

func makeTree(root string) (*tree, error) {
	t := &tree{root: root, files: map[string][]byte{}, links: map[string]string{}}
	for i, name := range names {
		t.files[filepath.Join(root, "names", name)] = content(uint64(i), 10+i)
	}
	for i, size := range sizes {
		t.files[filepath.Join(root, "sizes", fmt.Sprint(size))] = content(uint64(100+i), size)
	}
	deep := root
	for i := range 20 {
		deep = filepath.Join(deep, fmt.Sprintf("level-%d", i))
	}
	t.files[filepath.Join(deep, "file")] = content(200, 200)
	for i := range 150 {
		t.files[filepath.Join(root, "many", fmt.Sprintf("%03d", i))] = content(uint64(300+i), i)
	}
	for i := range 8 { // larger than what is read ahead or fits between plugin and host: they stay open while they are read
		t.files[filepath.Join(root, "large", fmt.Sprint(i))] = content(uint64(500+i), 1280<<10)
	}
	t.links[filepath.Join(root, "link")] = "names/plain.txt"
	t.links[filepath.Join(root, "dangling")] = "nowhere"
	t.dirs = []string{filepath.Join(root, "empty")}
	if err := t.write(); err != nil {
		return nil, err
	}
	attribute(filepath.Join(root, "names", "plain.txt"), "user.kpkg", []byte("an attribute"))
	return t, nil
}

func (t *tree) write() error {
	made := append([]string{}, t.dirs...)
	for path := range t.files {
		made = append(made, filepath.Dir(path))
	}
	for _, dir := range made {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making files to import: %w", err)
		}
	}
	for path, data := range t.files {
		if err := os.WriteFile(path, data, 0o640); err != nil {
			return fmt.Errorf("making files to import: %w", err)
		}
		if err := os.Chtimes(path, fileTime, fileTime); err != nil {
			return fmt.Errorf("making files to import: %w", err)
		}
	}
	for path, target := range t.links {
		if err := os.Symlink(target, path); err != nil { // not every file system has links, nor every user of Windows
			delete(t.links, path)
		}
	}
	return nil
}

// sameContent says how two contents differ.
func sameContent(got, want []byte) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d bytes instead of %d", len(got), len(want))
	}
	if !bytes.Equal(got, want) {
		for i := range got {
			if got[i] != want[i] {
				return fmt.Errorf("another byte at offset %d of %d", i, len(want))
			}
		}
	}
	return nil
}
