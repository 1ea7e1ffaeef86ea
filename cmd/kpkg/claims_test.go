package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// securityClaims are the paragraphs, items and rows of SECURITY.md and docs/security.md by how they begin, each with the tests that
// hold what it claims; none for what claims nothing of kpkg.
var securityClaims = map[string][]string{
	"Write to the maintainers in private":  nil,
	"| a package (":                        {"TestForgedFiles", "TestForged", "TestPeak", "TestExtractOverwritesNothing", "TestRefused"},
	"| a data file (":                      {"TestForgedFiles", "TestForgedArchives", "TestPeak"},
	"| an archive (":                       {"TestForgedFiles", "TestHostile", "TestPreviewsAreSmall", "TestRefused"},
	"| an index, a list of versions":       {"TestTampered", "TestMirrorTampered", "TestEndlessFiles", "TestIndexIsLinear", "TestTamperedRegistry"},
	"| a manifest, and the tree around it": {"TestSpecialFiles", "TestModifiedRunsNothing", "TestSlowManifests", "TestSlowValidators"},
	"| a tree to build (":                  {"TestProgramsOfTheManifest", "TestProgramsAreStarted"},
	"| a plugin that runs (":               {"TestStderr", "TestSecretsInStderr", "TestLeftBehind", "TestCloseKillsWhatDoesNotEnd"},
	"| a host (":                           {"TestAttacks", "TestFlood", "TestMalformedRequests"},
	"| the cache folders":                  {"TestBuildDropsDamagedOutputs", "TestSharedCache"},
	"Every terminal and log gets":          {"TestNoControlCharacters", "TestForgedFiles"},
	"The bounds: at most 256 MiB":          {"TestMemory", "TestForgedFiles", "TestBoundOfAll", "TestInterrupt", "TestLimitsRows"},
	"`verify` says what a package is;":     {"TestSignify", "TestSignStaleSum", "TestTamper"},
	"`make vuln` asks govulncheck":         nil,

	"What goes into a package is decided":  {"TestBuildIsTheSameEverywhere"},
	"- **the source tree**":                {"TestPackagesArePrivate", "TestBuildIsTheSameEverywhere"},
	"- **the toolchain**":                  {"TestBuildIsTheSameEverywhere"},
	"- **Go's caches**":                    nil,
	"- **kpkg's cache**":                   {"TestSharedCache", "TestBuildDropsDamagedOutputs", "TestCacheDir"},
	"- **the folder of the output**":       {"TestWrittenIsWhatWasJudged"},
	"A receipt says that a package":        {"TestReceiptsOfAnotherProgram", "TestUnchangedNeedsItsReceipt"},
	"A package is written, verified and":   {"TestWrittenInPlace", "TestWrittenIsWhatWasJudged", "TestReplaced"},
	"For a release: a machine or job":      {"TestRebuilt"},
	"go's compiler runs no code":           {"TestProgramsOfTheManifest", "TestModifiedRunsNothing"},
	"Build a stranger's tree in a sandbox": nil,
	"User and password in the address":     {"TestPasswordsInURLs", "TestSecretsInStderr", "TestPasswordsInLocations"},
	"`kpkg verify` starts and extracts":    {"TestForgedFiles", "TestSignify"},
}

// TestSecurityClaims holds the pages on security to the list above: what is claimed anew needs a test, and a test that goes takes its
// claim with it.
func TestSecurityClaims(t *testing.T) {
	tests := testNames(t)
	seen := map[string]bool{}
	for _, page := range []string{"SECURITY.md", "docs/security.md"} {
		data, err := os.ReadFile(filepath.Join(treeRoot(t), page))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range claimsOf(string(data)) {
			begins := slices.SortedFunc(maps.Keys(securityClaims), func(a, b string) int { return len(b) - len(a) })
			at := slices.IndexFunc(begins, func(begin string) bool { return strings.HasPrefix(block, begin) })
			if at < 0 {
				t.Errorf("%s: nothing says what holds %.80q", page, block)
				continue
			}
			seen[begins[at]] = true
		}
	}
	for begin, names := range securityClaims {
		if !seen[begin] {
			t.Errorf("no page has %q", begin)
		}
		for _, name := range names {
			if !tests[name] {
				t.Errorf("%q: there is no %s", begin, name)
			}
		}
	}
}

// claimsOf are the paragraphs, the items of lists and the rows of tables of a page.
func claimsOf(page string) (claims []string) {
	for _, paragraph := range strings.Split(page, "\n\n") {
		for i, line := range strings.Split(strings.TrimSpace(paragraph), "\n") {
			begins := i == 0 || strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "| ")
			if begins && line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "| what |") && !strings.HasPrefix(line, "|---") {
				claims = append(claims, line)
			}
		}
	}
	return claims
}
