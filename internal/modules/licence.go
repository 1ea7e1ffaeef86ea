package modules

import (
	_ "embed"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// goLicence is that of the standard library. Some systems' Go comes without the file.
//
//go:embed go-license.txt
var goLicence []byte

// licenceFile are the names under which licences stand at the root of a module, and what has to be told with them.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|unlicense|notice|patents)([-._].*)?$`)

const (
	// maxText is how much of a licence is read, in bytes: the longest known have a tenth of it.
	maxText = 512 << 10
	// known is how much of a text must be that of licences, in percent, to say that it is theirs.
	known = 75
)

// Text is one file of a licence.
type Text struct {
	Name    string
	Content []byte
}

// Licence is what a module says of how it may be used.
type Licence struct {
	// IDs are those of SPDX, sorted: all of them hold, as far as the texts tell. None means that it is not known.
	IDs []string
	// Texts are the files, by name.
	Texts []Text
}

// Licence reads the licence of a module. What cannot be read is not known.
func (m Module) Licence() Licence {
	if m.Path == Standard {
		return judge([]Text{{"LICENSE", goLicence}})
	}
	if m.Dir == "" {
		return Licence{}
	}
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return Licence{}
	}
	var texts []Text
	for _, entry := range entries {
		if !licenceFile.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") || !entry.Type().IsRegular() {
			continue
		}
		if content, err := regular.Read(filepath.Join(m.Dir, entry.Name()), maxText); err == nil {
			texts = append(texts, Text{entry.Name(), content})
		}
	}
	return judge(texts)
}

// judge says which licences the texts are.
func judge(texts []Text) Licence {
	l := Licence{Texts: texts}
	for _, text := range texts {
		coverage := licensecheck.Scan(text.Content)
		if coverage.Percent < known {
			continue
		}
		for _, match := range coverage.Match {
			if !match.IsURL && !slices.Contains(l.IDs, match.ID) {
				l.IDs = append(l.IDs, match.ID)
			}
		}
	}
	slices.Sort(l.IDs)
	return l
}

// Expression is the SPDX expression of the licence, "" when it is not known.
func (l Licence) Expression() string { return strings.Join(l.IDs, " AND ") }
