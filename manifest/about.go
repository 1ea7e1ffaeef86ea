package manifest

import (
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"

	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// knownAPIVersion is the one version of the plugin interface that released clients and their catalogue know.
const knownAPIVersion = "v1.1.0"

// name reports what cannot become part of a package's file name.
func (c *checker) name() {
	for range c.claim("required", "name") {
		c.error(c.atMissing("name"), "the package's file name starts with it", "%q is missing", "name")
	}
	for range c.claim("pattern", "name") {
		c.error(c.at("name"), "a name takes letters, digits and hyphens, because file names of packages are split at \"_\"",
			"name %q cannot be part of a package's file name", c.Manifest.Name)
	}
}

// nameCase reports names that differ from the lower-case ones of recipes and folders, which must be equal to install.
func (c *checker) nameCase() {
	if lower := strings.ToLower(c.Manifest.Name); lower != c.Manifest.Name {
		c.warning(c.at("name"), "use "+lower, "name %q is not in lower case as recipes are", c.Manifest.Name)
	}
}

// version reports a version that no package can have.
func (c *checker) version() {
	for range c.claim("pattern", "version") {
		hint := "write vX.Y.Z"
		if completed, err := NormalizeVersion(c.Manifest.Version + ".0"); err == nil {
			hint = "write all three numbers: " + completed
		}
		c.error(c.at("version"), hint, "version %q is not a semantic version", c.Manifest.Version)
	}
}

// versionKey reports a key that plakar no longer has.
func (c *checker) versionKey() {
	if c.root.field("version") != nil {
		c.refused(c.atKey("version"), "tag the commit instead, or give kpkg the version as an argument",
			"\"version\" is a key of an older format; plakar ignores it")
	}
}

func (c *checker) apiVersion() {
	for _, v := range c.claim("enum", "api_version") {
		c.warning(c.at("api_version"), "write "+texts(v.limit)[0], "unknown api_version %q", c.Manifest.APIVersion)
	}
}

// license reports what is no SPDX expression: catalogues and policies compare licenses by these.
func (c *checker) license() {
	license := c.Manifest.License
	if license == "" || isSPDX(license) {
		return
	}
	hint := suggest.DidYouMean(license, spdxlicenses.GetLicenses())
	if hint == "" {
		hint = "use an identifier of spdx.org/licenses, or LicenseRef-NAME"
	}
	c.warning(c.at("license"), hint, "license %q is not an SPDX expression", license)
}

// isSPDX tells whether an expression parses. Its parser has input it panics on: that is no expression.
func isSPDX(expression string) (valid bool) {
	const longest = 500 // bytes; the parser recurses
	if len(expression) > longest {
		return false
	}
	defer func() {
		if recover() != nil {
			valid = false
		}
	}()
	valid, _ = spdxexp.ValidateLicenses([]string{expression})
	return valid
}

func (c *checker) homepage() {
	for range c.claim("pattern", "homepage") {
		c.warning(c.at("homepage"), "start it with https://", "homepage %q is not a web address", c.Manifest.Homepage)
	}
}
