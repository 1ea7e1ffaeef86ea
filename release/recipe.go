package release

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
)

// RecipeName is the file that says where the source of an integration is, and which version is the one to have.
const RecipeName = "recipe.yaml"

// Recipe is its content: the three keys that plakar's clients read.
type Recipe struct {
	Name string `yaml:"name"`
	// Version is the git tag: vX.Y.Z, or in a repository of several integrations NAME/vX.Y.Z.
	Version string `yaml:"version"`
	// Repository is the address to clone from.
	Repository string `yaml:"repository"`
}

// Semver is the version without the folder of the tag.
func (r Recipe) Semver() string { return r.Version[strings.LastIndexByte(r.Version, '/')+1:] }

// Marshal is the content of the file.
func (r Recipe) Marshal() ([]byte, error) { return yaml.Marshal(r) }

// ParseRecipe reads the content of a recipe. Keys that clients do not know are an error: they would be lost in silence.
func ParseRecipe(data []byte) (r Recipe, err error) {
	if len(data) > MaxSidecar {
		return Recipe{}, fmt.Errorf("it is larger than %d bytes", MaxSidecar)
	}
	// The decoder keeps a message for each pair of keys that are the same.
	if problems := manifest.CheckYAML(RecipeName, data); len(problems) > 0 {
		first := problems[0]
		return Recipe{}, fmt.Errorf("it is no recipe: line %d, column %d: %s", first.Line, first.Column, finding.CutMessage(first.Message))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&r); err != nil {
		return Recipe{}, errors.New("it is no recipe: " + finding.CutMessage(strings.ReplaceAll(err.Error(), "release.Recipe", "a recipe")))
	}
	var more any
	switch {
	case !errors.Is(decoder.Decode(&more), io.EOF):
		return Recipe{}, errors.New("something follows the recipe")
	case r.Name == "" || r.Repository == "" || !isVersion(r.Semver()):
		return Recipe{}, errors.New("it lacks a name, a version such as v1.2.3 or a repository")
	}
	// Names become those of folders and files.
	id := manifest.Identity{Name: r.Name, Version: r.Semver(), OS: "linux", Arch: "amd64"}
	if _, err := manifest.ParseFileName(id.FileName()); err != nil {
		return Recipe{}, fmt.Errorf("its name %.80q is not one of letters, digits and hyphens", r.Name)
	}
	return r, nil
}

// ReadRecipe reads the recipe at path.
func ReadRecipe(path string) (Recipe, error) {
	data, err := regular.Read(path, MaxSidecar+1)
	if err != nil {
		return Recipe{}, fmt.Errorf("reading a recipe: %w", err)
	}
	r, err := ParseRecipe(data)
	if err != nil {
		return Recipe{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return r, nil
}
