package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/release"
)

// scopeExtension ends the names of the files that say where keys count.
const scopeExtension = ".scope"

// Folder is a folder of keys, by its path. It need not be there.
type Folder string

// UserFolder is that of this user's plakar; with a root, it is below that, for the image of a machine.
//
// Source: utils.GetConfigDir of plakar v1.1.4.
func UserFolder(root string) (Folder, error) {
	variable := "XDG_CONFIG_HOME"
	if runtime.GOOS == "windows" {
		variable = "LocalAppData"
	}
	dir := os.Getenv(variable)
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding plakar's folder of trusted keys: %w", err)
		}
		dir = filepath.Join(home, ".config")
	}
	if root != "" {
		dir = filepath.Join(root, strings.TrimPrefix(dir, filepath.VolumeName(dir)))
	}
	return Folder(filepath.Join(dir, "plakar", "trust")), nil
}

// Key is one that is trusted.
type Key struct {
	// Name is that of its files.
	Name   string
	Public *release.PublicKey
	// Scopes are where it counts.
	Scopes []Scope
}

// Covers tells whether the key counts at a place.
func (k Key) Covers(place string) bool {
	return slices.ContainsFunc(k.Scopes, func(s Scope) bool { return s.Covers(place) })
}

func (f Folder) file(name, extension string) string { return filepath.Join(string(f), name+extension) }

// Keys are all, by name. One that cannot be read is an error, as it is for clients: fewer keys than there should be could let
// another's package in.
func (f Folder) Keys() ([]Key, error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the trusted keys: %w", err)
	}
	var keys []Key
	for _, entry := range entries {
		name, found := strings.CutSuffix(entry.Name(), release.PublicExtension)
		if !found || entry.IsDir() {
			continue
		}
		public, err := release.ReadPublicKey(f.file(name, release.PublicExtension))
		if err != nil {
			return nil, err
		}
		scopes, err := f.scopes(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, Key{name, public, scopes})
	}
	return keys, nil
}

// scopes reads NAME.scope: one a line, between empty lines and comments.
func (f Folder) scopes(name string) ([]Scope, error) {
	file := f.file(name, scopeExtension)
	data, err := regular.Read(file, release.MaxSidecar)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading where a key counts: %w", err)
	}
	var scopes []Scope
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		scope, err := ParseScope(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number, err)
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

// For are the keys that count at a place.
func (f Folder) For(place string) ([]*release.PublicKey, error) {
	keys, err := f.Keys()
	if err != nil {
		return nil, err
	}
	var counting []*release.PublicKey
	for _, key := range keys {
		if key.Covers(place) {
			counting = append(counting, key.Public)
		}
	}
	return counting, nil
}

// Add has a key, which is the content of a file that is called name, count where the scopes say, and where it did before. Another key
// of that name is an error.
func (f Folder) Add(name string, content []byte, scopes []Scope) (Key, error) {
	public, err := release.ParsePublicKey(name, content)
	if err != nil {
		return Key{}, err
	}
	name = strings.TrimSuffix(filepath.Base(name), release.PublicExtension)
	if name == "" || name[0] == '.' || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return Key{}, fmt.Errorf("%q is no name for a key", name)
	}
	keys, err := f.Keys()
	if err != nil {
		return Key{}, err
	}
	key := Key{Name: name, Public: public}
	for _, one := range keys {
		switch same := one.Public.Same(public); {
		case same:
			key = one
		case one.Name == name:
			return Key{}, fmt.Errorf("another key is trusted as %s, %s: remove it, or give the file of this one, %s, another name",
				name, one.Public.ID, public.ID)
		}
	}
	for _, scope := range scopes {
		if !slices.ContainsFunc(key.Scopes, func(s Scope) bool { return s.String() == scope.String() }) {
			key.Scopes = append(key.Scopes, scope)
		}
	}
	var lines strings.Builder
	for _, scope := range key.Scopes {
		lines.WriteString(scope.String() + "\n")
	}
	err = os.MkdirAll(string(f), 0o700)
	if err == nil {
		err = regular.Replace(f.file(key.Name, release.PublicExtension), content, regular.PrivateMode)
	}
	if err == nil {
		err = regular.Replace(f.file(key.Name, scopeExtension), []byte(lines.String()), regular.PrivateMode)
	}
	if err != nil {
		return Key{}, fmt.Errorf("writing the trusted key %s: %w", key.Name, err)
	}
	key.Public.File = f.file(key.Name, release.PublicExtension)
	return key, nil
}

// Remove takes a key away, by its name or its id.
func (f Folder) Remove(name string) (Key, error) {
	keys, err := f.Keys()
	if err != nil {
		return Key{}, err
	}
	var names []string
	for _, key := range keys {
		names = append(names, key.Name)
		if key.Name != name && key.Name+release.PublicExtension != name && key.Public.ID.String() != name {
			continue
		}
		err := os.Remove(f.file(key.Name, release.PublicExtension))
		if err == nil {
			if err = os.Remove(f.file(key.Name, scopeExtension)); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		if err != nil {
			return Key{}, fmt.Errorf("removing the key %s: %w", key.Name, err)
		}
		return key, nil
	}
	if hint := suggest.DidYouMean(name, names); hint != "" {
		return Key{}, fmt.Errorf("no key %q is trusted; %s", name, hint)
	}
	return Key{}, fmt.Errorf("no key %q is trusted; kpkg trust list shows those that are", name)
}
