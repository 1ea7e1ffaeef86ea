package release

import (
	"bytes"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
)

// secretName are names under which secrets are kept, and exampleName those of files that show what goes into one.
var (
	secretName = regexp.MustCompile(`(?i)^(\.env(\..+)?|\.netrc|\.npmrc|\.pypirc|\.pgpass|\.htpasswd|\.git-credentials|` +
		`id_(rsa|dsa|ecdsa|ed25519)|credentials(\.json)?|secrets?\.(ya?ml|json|toml|env)|.+\.(key|p12|pfx|jks|keystore|kdbx|ppk|sec|env))$`)
	exampleName = regexp.MustCompile(`(?i)\.(example|sample|template|dist)$`)
	// secretContent is how secrets begin: keys in PEM, of PuTTY, age and signify, and access keys of AWS.
	secretContent = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1|` +
		`untrusted comment: .*\nRWRCS|\b(AKIA|ASIA)[0-9A-Z]{16}\b`)
)

// maxSearched is how much of a file is searched for secrets, in bytes.
const maxSearched = 1 << 20

// checkFiles judges what is about to be packed beside the executables.
func (r *Release) checkFiles(opts Options) {
	if len(r.integration.Packages) == 0 {
		return
	}
	licence, readme := false, false
	for _, f := range r.integration.Packages[0].Files {
		readme = readme || f.Name == manifest.ReadmeName
		licence = licence || strings.HasPrefix(f.Name, "LICENSE")
		if f.Built != "" || f.Name == manifest.FileName {
			continue
		}
		base := path.Base(f.Name)
		why := ""
		content, err := regular.Read(filepath.Join(r.Source.Dir, filepath.FromSlash(f.Name)), maxSearched)
		switch {
		case err == nil && secretContent.Match(content) && !bytes.HasPrefix(content, []byte("\x7fELF")):
			why = "it holds a secret key"
		case secretName.MatchString(base) && !exampleName.MatchString(base):
			why = "secrets are kept in files of that name"
		default:
			continue
		}
		r.add(opts, "release-secret", f.Name+" is about to be packed: "+why, "take it out of extra_files")
	}
	if !licence {
		r.add(opts, "release-license", "there is no LICENSE to pack, so that nobody may use what is released", "put it beside the manifest")
	}
	if !readme {
		r.add(opts, "release-readme", "there is no "+manifest.ReadmeName+" to pack, which clients show", "write one beside the manifest")
	}
}
