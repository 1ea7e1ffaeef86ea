package install

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/release"
)

// besides are the files beside a package, its sum and its signature, by what their names have at the end. They are read once: what is
// judged is what is kept.
type besides map[string][]byte

// readBeside reads those that are there.
func readBeside(source Source) (besides, error) {
	all := besides{}
	for _, extension := range []string{release.SumExtension, release.SignatureExtension} {
		data, err := source.Beside(extension)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s%s: %w", source.Label, extension, err)
		}
		all[extension] = data
	}
	return all, nil
}

// read is a release.Beside.
func (b besides) read(extension string) ([]byte, error) {
	data, there := b[extension]
	if !there {
		return nil, fs.ErrNotExist
	}
	return data, nil
}

// judgeBeside holds what was copied to its sum and its signature.
func (r *Result) judgeBeside(beside besides, source Source, opts Options) error {
	signature, findings, err := opts.Trust.Judge(source.Label, release.Sum{Name: source.Name, SHA256: r.SHA256}, beside.read)
	if err != nil {
		return fmt.Errorf("judging the signature of %s: %w", source.Label, err)
	}
	if len(opts.Trust.Keys) == 0 && !opts.Trust.Require {
		findings = slices.DeleteFunc(findings, func(f finding.Finding) bool { return f.Severity < finding.Error })
	}
	r.Signature, r.Findings = signature, append(r.Findings, findings...)
	return nil
}

// keepBeside keeps the sum and the signature of a package that is installed already: they may have come later than it, or be those of
// another key. What is kept of it and no longer beside its source stays, as it is of the same bytes.
func (s *Store) keepBeside(name, sha256 string, beside besides) error {
	path := s.folders.pkgFile(name)
	kept, err := readBeside(Source{Label: path, Beside: func(extension string) ([]byte, error) {
		return regular.Read(path+extension, release.MaxSidecar+1)
	}})
	if err != nil {
		return err
	}
	both := func(extension string) string { return cmp.Or(string(beside[extension]), string(kept[extension])) }
	c := change{Add: name, SHA256: sha256, Sum: both(release.SumExtension), Signature: both(release.SignatureExtension)}
	if c.Sum == string(kept[release.SumExtension]) && c.Signature == string(kept[release.SignatureExtension]) {
		return nil
	}
	if err := s.begin(c); err != nil {
		return err
	}
	return s.complete(c)
}
