package create

import (
	"fmt"

	"github.com/PlakarKorp/kpkg/executable"
)

// Matrix is the work of making packages, in the form a CI's matrix takes: one element for each package.
type Matrix struct {
	Include []MatrixElement `json:"include"`
}

// MatrixElement is one package to be made.
type MatrixElement struct {
	Name     string              `json:"name"`
	Manifest string              `json:"manifest"`
	Platform executable.Platform `json:"platform"`
	OS       string              `json:"os"`
	Arch     string              `json:"arch"`
}

// NewMatrix spreads the integrations over their platforms, or over those given. The sources come from Validate. The
// error is one of options if two of them make packages of one name.
func NewMatrix(sources []*Source, platforms []executable.Platform) (Matrix, error) {
	m := Matrix{Include: []MatrixElement{}}
	first := map[string]string{}
	for _, source := range sources {
		name, file := source.Document.Manifest.Name, source.Document.File
		if other, taken := first[name]; taken {
			return m, fmt.Errorf("%w: %s", ErrOptions, bothMake(other, file, "packages of "+name))
		}
		first[name] = file
		chosen, err := source.platforms(platforms, len(platforms) == 0)
		if err != nil {
			return m, err
		}
		for _, p := range chosen {
			m.Include = append(m.Include, MatrixElement{
				Name: source.Document.Manifest.Name, Manifest: source.Document.File, Platform: p, OS: p.OS, Arch: p.Arch,
			})
		}
	}
	return m, nil
}
