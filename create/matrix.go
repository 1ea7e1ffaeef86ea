package create

import (
	"bytes"
	"encoding/json"
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
)

// Matrix is the work of making packages, in the form a CI's matrix takes: one element for each package.
type Matrix struct {
	Include []MatrixElement `json:"include"`
	// LeftOut are the packages that Since and Keep have taken out.
	LeftOut []MatrixElement `json:"-"`
}

// MatrixElement is one package to be made.
type MatrixElement struct {
	Name     string              `json:"name"`
	Manifest string              `json:"manifest"`
	Platform executable.Platform `json:"platform"`
	OS       string              `json:"os"`
	Arch     string              `json:"arch"`
	// Why tells why it is to be made, or why it is left out; "" where nobody asked.
	Why string `json:"-"`
}

// Keep keeps the packages that keep says, with the reason that it gives, and leaves out the others with theirs. It ends at the first
// error.
func (m Matrix) Keep(keep func(MatrixElement) (yes bool, why string, err error)) (Matrix, error) {
	kept := Matrix{Include: []MatrixElement{}, LeftOut: m.LeftOut}
	for _, e := range m.Include {
		yes, why, err := keep(e)
		if err != nil {
			return Matrix{}, err
		}
		if yes {
			if e.Why != "" {
				why = e.Why + "; " + why
			}
			e.Why = why
			kept.Include = append(kept.Include, e)
		} else {
			e.Why = why
			kept.LeftOut = append(kept.LeftOut, e)
		}
	}
	return kept, nil
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

// gitlabEntry is an element of a parallel:matrix of GitLab's: variables of a job.
type gitlabEntry struct {
	Name     string `yaml:"KPKG_NAME"`
	Manifest string `yaml:"KPKG_MANIFEST"`
	Platform string `yaml:"KPKG_PLATFORM"`
}

// maxGitHub is how many jobs GitHub makes of one matrix
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax).
const maxGitHub = 256

// GitHub is the matrix on one line of JSON, as GitHub's fromJSON takes it. The error is one of options if there are more packages than
// GitHub takes.
func (m Matrix) GitHub() ([]byte, error) {
	if len(m.Include) > maxGitHub {
		return nil, fmt.Errorf("%w: GitHub takes a matrix of %d jobs, and these are %d: give each job a part of the integrations, with --shard",
			ErrOptions, maxGitHub, len(m.Include))
	}
	line, err := json.Marshal(m)
	return append(line, '\n'), err
}

// maxGitLab is how many jobs GitLab takes of one matrix (https://docs.gitlab.com/ci/yaml/#parallelmatrix).
const maxGitLab = 200

// GitLab is a hidden job with the matrix, in YAML, for a job of a child pipeline to extend. The error is one of options if there
// are more packages than GitLab takes.
func (m Matrix) GitLab() ([]byte, error) {
	if len(m.Include) > maxGitLab {
		return nil, fmt.Errorf("%w: GitLab takes a matrix of %d jobs, and these are %d: give each job a part of the integrations, with --shard",
			ErrOptions, maxGitLab, len(m.Include))
	}
	if len(m.Include) == 0 { // which GitLab refuses, as it does a pipeline without a job
		return []byte(".kpkg-matrix:\n  rules: [{when: never}]\nkpkg-nothing:\n  script: [echo nothing is to be made]\n"), nil
	}
	var job struct {
		Parallel struct {
			Matrix []gitlabEntry `yaml:"matrix"`
		} `yaml:"parallel"`
	}
	for _, e := range m.Include {
		job.Parallel.Matrix = append(job.Parallel.Matrix, gitlabEntry{e.Name, e.Manifest, e.Platform.String()})
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]any{".kpkg-matrix": job}); err != nil {
		return nil, fmt.Errorf("writing the matrix: %w", err)
	}
	return b.Bytes(), nil
}

// reportedElement is an element in the JSON of a report.
type reportedElement struct {
	MatrixElement
	Why string `json:"why,omitempty"`
}

func reportedElements(elements []MatrixElement) []reportedElement {
	reported := make([]reportedElement, len(elements))
	for i, e := range elements {
		reported[i] = reportedElement{e, e.Why}
	}
	return reported
}

// MatrixReport is what programs are told of a matrix, and of the manifests that it was to be made of.
func MatrixReport(all []Validated, m Matrix, err error) *finding.Report {
	report := ValidateReport(all)
	report.Command = "matrix"
	if err != nil {
		report.Fail("", err)
	}
	report.Lists = []finding.List{
		finding.NewList("matrix", reportedElements(m.Include)), finding.NewList("left_out", reportedElements(m.LeftOut)),
	}
	return report
}
