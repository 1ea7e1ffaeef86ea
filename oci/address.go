package oci

import (
	"fmt"
	"strings"

	"oras.land/oras-go/v2/registry"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Scheme begins the addresses of repositories.
const Scheme = "oci://"

// Address is that of a repository, and with Version that of a version in it.
type Address struct {
	// Host has its port, if that is not the usual one.
	Host       string
	Repository string
	// Version has its "v"; "" names none.
	Version string
}

// IsAddress tells an address of a repository.
func IsAddress(s string) bool { return strings.HasPrefix(s, Scheme) }

// ParseAddress reads oci://HOST/REPO, or oci://HOST/REPO:VERSION.
func ParseAddress(s string) (Address, error) {
	fail := func(why string) (Address, error) {
		shown := s
		if at := strings.LastIndexByte(s, '@'); at >= 0 { // before which there may be a password
			shown = "..." + s[at:]
		}
		return Address{}, fmt.Errorf("%s is no address of a repository, oci://HOST/REPO or oci://HOST/REPO:VERSION: %s", finding.Cut(shown), why)
	}
	rest, isOCI := strings.CutPrefix(s, Scheme)
	switch {
	case !isOCI:
		return fail("it does not begin with " + Scheme)
	case strings.Contains(rest, "@"):
		return fail("it takes neither names of users nor digests: credentials are those of docker login, a version is named by its number")
	}
	host, repository, found := strings.Cut(rest, "/")
	if !found || host == "" || repository == "" {
		return fail("a host and a repository are needed")
	}
	a := Address{Host: host, Repository: repository}
	if at := strings.LastIndexByte(repository, ':'); at >= 0 {
		version, err := manifest.NormalizeVersion(strings.ReplaceAll(repository[at+1:], "_", "+"))
		if err != nil {
			return fail(err.Error())
		}
		a.Repository, a.Version = repository[:at], version
	}
	reference := registry.Reference{Registry: a.Host, Repository: a.Repository}
	if err := reference.ValidateRegistry(); err != nil {
		return fail("the host is none")
	}
	if err := reference.ValidateRepository(); err != nil {
		return fail("a repository's name has lower-case letters, digits, and . _ - / between them")
	}
	return a, nil
}

// String is the address as it is written.
func (a Address) String() string {
	s := Scheme + a.Host + "/" + a.Repository
	if a.Version != "" {
		s += ":" + Tag(a.Version, noPlatform)
	}
	return s
}

// below is the repository of an integration below this one, in which there are several.
func (a Address) below(name string) (Address, error) {
	return ParseAddress(Scheme + a.Host + "/" + a.Repository + "/" + name)
}
