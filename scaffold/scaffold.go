// Package scaffold writes the source tree of a new integration, or what an existing connector lacks to be one, and keeps the
// copy of the SDK in such a tree up to date.
//
// What it writes is the embedded folder tree/, which reads like the integration that it becomes. It replaces no file that is
// there, runs nothing, and leaves nothing behind when it fails or is interrupted.
package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/manifest"
)

// Types are the types of connectors that an integration can begin with.
var Types = []string{manifest.Importer, manifest.Exporter, manifest.Storage}

// Options say what to write.
type Options struct {
	// Name is what the integration, its protocol and its executable are called.
	Name string
	// Folder is where it goes; "" is a folder of its name in the current one or, with From, the top of the packages' module.
	Folder string
	// Module is the path of the new Go module, "" for example.org/NAME. With From the module is there.
	Module string
	// Types are those of the connectors; none is an importer alone. With From they are what is found.
	Types []string
	// From are folders of Go packages with constructors of connectors, or with mains of plugins.
	From []string
	// Time is when it is written, for the year of the license.
	Time time.Time
}

// Tree is what is to be written.
type Tree struct {
	// Folder is where.
	Folder string
	// Files are the new files, sorted by their paths.
	Files []File
	// Kept are files of Folder, by their paths, that a new integration has and that an existing one has already.
	Kept []string
	// Notes are what the author should know or do before it builds.
	Notes []string
}

// File is a file to be written.
type File struct {
	// Path is relative to the folder, with slashes.
	Path    string
	Content []byte
	// people tells that it is for people, who may have one already.
	people bool
}

// New decides what to write. The error says what is wrong with the options, or with the packages of From.
func New(opts Options) (*Tree, error) {
	if err := checkName(opts.Name); err != nil {
		return nil, err
	}
	i := &integration{Name: opts.Name, Title: title(opts.Name), Year: opts.Time.Year()}
	if len(opts.From) > 0 {
		return existing(i, opts)
	}
	i.Module = cmp.Or(opts.Module, "example.org/"+opts.Name)
	if err := checkModule(i.Module); err != nil {
		return nil, err
	}
	i.begin(cmp.Or(strings.Join(opts.Types, " "), manifest.Importer))
	files, err := i.render(func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	sdk, err := sdkFiles(i.SDK)
	if err != nil {
		return nil, err
	}
	tree := &Tree{Folder: cmp.Or(opts.Folder, opts.Name), Files: append(files, sdk...)}
	tree.Notes = lateNotes(i.SDK)
	tree.sort()
	return tree, nil
}

func (t *Tree) sort() {
	slices.SortFunc(t.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(t.Kept)
}

// title is a name as people write it: google-drive is Google Drive.
func title(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' })
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
		if class, _ := manifest.ClassOf(word); class != "" && len(word) <= len("sftp") {
			words[i] = strings.ToUpper(word)
		}
	}
	return strings.Join(words, " ")
}

// lateNotes warns of an import path at which Go initializes the SDK after libraries that may print.
func lateNotes(sdk string) []string {
	if path.Join(sdk, "internal", "claim") < "internal/poll" {
		return nil
	}
	return []string{fmt.Sprintf("%s sorts after internal/poll: libraries are initialized before the SDK, and one that prints then breaks "+
		"the protocol. A module path with a lower first letter, such as one at github.com, has no such trouble", sdk)}
}

// ErrOptions is wrapped by errors that say what is wrong with the options.
var ErrOptions = errors.New("wrong options")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrOptions, fmt.Errorf(format, args...))
}

// under joins a folder and a path with slashes.
func under(folder, name string) string { return filepath.Join(folder, filepath.FromSlash(name)) }
