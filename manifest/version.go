package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/git"
)

// VersionSource tells where a package's version was found.
type VersionSource string

// The sources, the first that has a version wins.
const (
	FromArgument VersionSource = "argument"
	FromManifest VersionSource = "manifest"
	FromTag      VersionSource = "git tag"
	// FromNowhere is the source of a version that stands in for one that is not there.
	FromNowhere VersionSource = "none"
)

// Version is the version of the package to be made.
type Version struct {
	Value  string // with its "v"
	Source VersionSource
	Tagged bool // one of the git tags at HEAD says it, as Source or beside it
}

// ErrNoVersion is wrapped by the error of ResolveVersion when nothing gives a version.
var ErrNoVersion = errors.New("no version: give one as an argument, or tag the commit")

// NormalizeVersion returns a semantic version with the "v" that plakar requires. Unlike plakar it wants all three numbers:
// "1.10" in a manifest is as likely a slip as a version.
func NormalizeVersion(version string) (string, error) {
	v := version
	if !strings.HasPrefix(v, "v") {
		v = "v" + v
	}
	core, _, _ := strings.Cut(v, "+")
	if core, _, _ = strings.Cut(core, "-"); !semver.IsValid(v) || strings.Count(core, ".") != 2 {
		return "", fmt.Errorf("%q is not a semantic version such as v1.2.3", version)
	}
	return v, nil
}

// ResolveVersion finds the version of the package made from doc, whose folder is dir: the argument if it is not empty, else
// the manifest's version, else the git tag at HEAD, which is NAME/vX.Y.Z in a repository of several integrations and vX.Y.Z
// in one of its own. A source that disagrees with the winner is a warning. Without git, or outside a repository, there is
// no tag; a version that is none, or no version at all, is the error.
func ResolveVersion(ctx context.Context, dir, argument string, doc *Document) (Version, []finding.Finding, error) {
	tags, _, err := git.Output(ctx, dir, "tag", "--points-at", "HEAD")
	if err != nil {
		return Version{}, nil, fmt.Errorf("looking for a version tag: %w", err)
	}
	atHead, name := strings.Fields(tags), doc.Manifest.Name
	var chosen Version
	var findings []finding.Finding
	for _, candidate := range []Version{
		{Value: argument, Source: FromArgument},
		{Value: doc.Manifest.Version, Source: FromManifest},
		{Value: latestTag(atHead, name), Source: FromTag},
	} {
		if candidate.Value == "" {
			continue
		}
		value, err := NormalizeVersion(candidate.Value)
		switch {
		case err != nil && chosen.Value == "":
			return Version{}, nil, fmt.Errorf("version from the %s: %w", candidate.Source, err)
		case err != nil:
			// Not needed, and reported by Check.
		case chosen.Value == "":
			chosen = Version{Value: value, Source: candidate.Source}
		case candidate.Source == FromTag && isTagged(atHead, name, chosen.Value):
			// Of several tags on one commit, another is chosen.
		case value != chosen.Value:
			findings = append(findings, doc.versionMismatch(candidate.Source, value, chosen))
		}
	}
	if chosen.Value == "" {
		return Version{}, nil, noVersion(ctx, dir, name)
	}
	chosen.Tagged = isTagged(atHead, name, chosen.Value)
	return chosen, findings, nil
}

// noVersion says which tag would give a version, and what may keep git from knowing it.
func noVersion(ctx context.Context, dir, name string) error {
	if !git.Installed() {
		return fmt.Errorf("%w vX.Y.Z; git, which would know of a tag, is not in PATH", ErrNoVersion)
	}
	tag := "vX.Y.Z"
	below, _, err := git.Output(ctx, dir, "rev-parse", "--show-prefix")
	if err != nil {
		return err
	}
	if below != "" && name != "" { // one of several integrations, as far as is known
		tag = finding.Cut(name) + "/vX.Y.Z"
	}
	shallow, _, err := git.Output(ctx, dir, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return err
	}
	tags, _, err := git.Output(ctx, dir, "tag", "--list")
	if err != nil {
		return err
	}
	if shallow == "true" && tags == "" {
		return fmt.Errorf("%w %s; this is a shallow clone without tags: if there is one, fetch it with git fetch --tags "+
			"(actions/checkout: fetch-depth: 0)", ErrNoVersion, tag)
	}
	return fmt.Errorf("%w %s", ErrNoVersion, tag)
}

// isTagged tells whether one of a commit's tags says the version of the integration.
func isTagged(tags []string, name, version string) bool {
	return slices.Contains(tags, version) || slices.Contains(tags, name+"/"+version)
}

func (d *Document) versionMismatch(source VersionSource, value string, chosen Version) finding.Finding {
	f := finding.Finding{
		Rule: "version-mismatch", Severity: finding.Warning, File: d.File,
		Message: finding.Sprintf("the %s says %s, the %s %s", source, value, chosen.Source, chosen.Value),
		Hint:    fmt.Sprintf("the package becomes %s", chosen.Value),
	}
	f.Line, f.Column = d.Position("version")
	return f
}

// latestTag is the highest version among a commit's tags: those under the name of the integration if there are any,
// else those of all of the repository. Tags that are no versions are not ours to judge.
func latestTag(tags []string, name string) string {
	var own, plain []string
	for _, tag := range tags {
		if version, found := strings.CutPrefix(tag, name+"/"); found && isVersionTag(version) {
			own = append(own, version)
		}
		if isVersionTag(tag) {
			plain = append(plain, tag)
		}
	}
	if len(own) > 0 {
		return slices.MaxFunc(own, semver.Compare)
	}
	if len(plain) > 0 {
		return slices.MaxFunc(plain, semver.Compare)
	}
	return ""
}

func isVersionTag(tag string) bool {
	_, err := NormalizeVersion(tag)
	return err == nil && strings.HasPrefix(tag, "v")
}
