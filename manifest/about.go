package manifest

import (
	"fmt"
	"regexp"
	"slices"
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
		c.error(c.atMissing("name"), "the package's file name starts with it", "%q %s", "name", c.lack("name"))
	}
	for range c.claim("pattern", "name") {
		hint := "a name takes letters, digits and hyphens, because file names of packages are split at \"_\""
		if proper := notInNames.ReplaceAllString(strings.ToLower(c.Manifest.Name), "-"); strings.Trim(proper, "-") != "" {
			hint = fmt.Sprintf("%s: write %s", hint, strings.Trim(proper, "-"))
		}
		c.error(c.at("name"), hint, "name %q cannot be part of a package's file name", c.Manifest.Name)
	}
}

// notInNames is what the names of packages do not have.
var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// nameCase reports names that differ from the lower-case ones of recipes and folders, which must be equal to install.
func (c *checker) nameCase() {
	improper := slices.ContainsFunc(c.violations, func(v *violation) bool { return v.keyword == "pattern" && v.isAt([]any{"name"}) })
	if lower := strings.ToLower(c.Manifest.Name); lower != c.Manifest.Name && !improper {
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
	c.warning(c.at("license"), licenseHint(license), "license %q is not an SPDX expression", license)
}

// licenseHint names the license that was probably meant: by its identifier with a mistake in it, or as people call it.
func licenseHint(license string) string {
	words := strings.FieldsFunc(strings.ToLower(license), func(r rune) bool { return strings.ContainsRune(" ,-_.()", r) })
	words = slices.DeleteFunc(words, func(word string) bool {
		return slices.Contains([]string{"the", "license", "licence", "licensed", "version", "v"}, word)
	})
	switch name := strings.Join(words, " "); {
	case name == "" || slices.Contains([]string{"proprietary", "commercial", "closed", "none", "see"}, words[0]):
		return "write LicenseRef-NAME for terms of your own"
	case peoplesLicenses[name] != "":
		return "did you mean " + peoplesLicenses[name] + "?"
	}
	if closest := suggest.Closest(license, spdxlicenses.GetLicenses()); closest != "" && closest != "Unlicense" {
		return fmt.Sprintf("did you mean %q?", closest)
	}
	return "use an identifier of spdx.org/licenses, or LicenseRef-NAME"
}

// peoplesLicenses are the identifiers of licenses that people call by other names, in lower case, without the words that say
// nothing.
var peoplesLicenses = map[string]string{
	"apache": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2 0": "Apache-2.0", "apache2": "Apache-2.0", "asl 2 0": "Apache-2.0",
	"mit": "MIT", "expat": "MIT", "isc": "ISC", "bsd": "BSD-3-Clause or BSD-2-Clause", "bsd 2 clause": "BSD-2-Clause",
	"bsd 3 clause": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "simplified bsd": "BSD-2-Clause",
	"gpl": "GPL-3.0-or-later or GPL-3.0-only", "gplv2": "GPL-2.0-only or GPL-2.0-or-later", "gpl2": "GPL-2.0-only or GPL-2.0-or-later",
	"gpl 2": "GPL-2.0-only or GPL-2.0-or-later", "gplv3": "GPL-3.0-or-later or GPL-3.0-only",
	"gpl3": "GPL-3.0-or-later or GPL-3.0-only", "gpl 3": "GPL-3.0-or-later or GPL-3.0-only",
	"lgpl": "LGPL-3.0-or-later or LGPL-3.0-only", "lgplv3": "LGPL-3.0-or-later or LGPL-3.0-only",
	"agpl": "AGPL-3.0-or-later or AGPL-3.0-only", "agplv3": "AGPL-3.0-or-later or AGPL-3.0-only",
	"mpl": "MPL-2.0", "mpl 2": "MPL-2.0", "mozilla public 2 0": "MPL-2.0", "public domain": "Unlicense or CC0-1.0",
}

// isSPDX tells whether an expression parses. Its parser has input it panics on: that is no expression.
func isSPDX(expression string) (valid bool) {
	const longest = 500 // bytes of a licence; the parser recurses
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
