package gobuild

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Stamp is what build.ldflags may put into executables: {{.Version}}, {{.Commit}} and {{.Date}}.
type Stamp struct {
	Version string // the package's, "v1.2.3"
	Commit  string // the full hash of the commit built; empty if there is none
	Date    string // of that commit, RFC 3339 in UTC; the clock's would make every build different; empty if there is none
}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// expandLDFlags fills the placeholders of build.ldflags in. The error names the first unknown one.
func expandLDFlags(ldflags string, stamp Stamp) (string, error) {
	var err error
	expanded := placeholder.ReplaceAllStringFunc(ldflags, func(match string) string {
		switch name := placeholder.FindStringSubmatch(match)[1]; name {
		case ".Version":
			return stamp.Version
		case ".Commit":
			return stamp.Commit
		case ".Date":
			return stamp.Date
		default:
			if err == nil {
				err = fmt.Errorf("unknown field {{%s}} in build.ldflags: there are {{.Version}}, {{.Commit}} and {{.Date}}", name)
			}
			return match
		}
	})
	if err == nil && strings.Contains(placeholder.ReplaceAllString(ldflags, ""), "{{") {
		err = fmt.Errorf("build.ldflags has a {{ without its }}")
	}
	return expanded, err
}

// Stamps reports whether build.ldflags puts a field such as ".Commit" into what is built.
func (p *Plan) Stamps(field string) bool {
	return p.Builds() && slices.ContainsFunc(placeholder.FindAllStringSubmatch(p.settings.LDFlags, -1), func(match []string) bool {
		return match[1] == field
	})
}

// CheckStamp makes an error of a placeholder that nothing fills. Build does so too; this is for knowing earlier.
func (p *Plan) CheckStamp(stamp Stamp) error {
	const none = "build.ldflags wants {{%s}}, and there is no git commit that the source is at, or no git"
	switch {
	case stamp.Commit == "" && p.Stamps(".Commit"):
		return fmt.Errorf(none, ".Commit")
	case stamp.Date == "" && p.Stamps(".Date"):
		return fmt.Errorf(none, ".Date")
	}
	return nil
}
