package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dustin/go-humanize"
)

// limitRows are the rows of docs/limits.md, by what they are about, each with the bounds of the code whose values it tells, or else
// the test that holds it.
var limitRows = map[string][]string{
	"a manifest": {"manifest.MaxSize"},
	"values in a manifest, counting what aliases repeat":           {"manifest.maxValues"},
	"a path in a manifest":                                         {"manifest.maxPath", "manifest.maxFolders"},
	"a package's file name":                                        {"manifest.maxFileName"},
	"the states of a store, unpacked":                              {"store.maxStates", "store.maxStateCount"},
	"a lock of a store":                                            {"store.maxLock"},
	"locks of a store":                                             {"store.maxLockCount"},
	"a validator":                                                  {"manifest.MaxValidatorSize"},
	"values in all validators of a manifest together":              {"manifest.maxValues"},
	"objects, and booleans, among them":                            {"manifest.maxSchemas"},
	"depth of a validator":                                         {"manifest.maxSchemaDepth"},
	"a key of a validator":                                         {"manifest.maxSchemaKey"},
	"a number of a validator":                                      {"manifest.maxSchemaNumber", "manifest.maxSchemaExponent"},
	"regular expressions of all validators together":               {"manifest.maxSchemaRegexps"},
	`names compared for a "did you mean"`:                          {"internal/suggest.longest", "internal/suggest.maxCandidates"},
	"a Makefile":                                                   {"gobuild/internal/makefile.MaxSize"},
	"text and paths that are made of it":                           {"gobuild/internal/makefile.expandLimit", "gobuild/internal/makefile.expandDepth"},
	"a Go file that a Makefile lists, up to its package clause":    {"gobuild.maxClause"},
	"go.mod, go's own settings":                                    {"gobuild.maxSettings"},
	"a NOTICE of the tree":                                         {"create.maxNotice"},
	"a listing of a build, by go":                                  {"gobuild.maxListing"},
	"`kpkg-test.yaml`":                                             {"conformance.maxSettings"},
	"patterns of `kpkg pack`":                                      {"pack.maxPatterns", "pack.maxPatternsLength"},
	"a Go package that `kpkg init --from` reads":                   {"scaffold.maxSources", "scaffold.maxSource"},
	"a key, a sum, a signature, a recipe":                          {"release.MaxSidecar"},
	"the comment in a key":                                         {"release.maxComment"},
	"a passphrase":                                                 {"cmd/kpkg.maxPassphrase"},
	"rounds of bcrypt to open a secret key":                        {"release.maxRounds"},
	"a text of a licence":                                          {"internal/modules.maxText"},
	"an index, a list of versions, the journal of a registry":      {"registry.maxJSON", "internal/jsonbound.MaxMemory"},
	"a list of what a package is made of":                          {"registry.maxParts", "registry.maxPartsMemory"},
	"a manifest, a page or a validator that a registry shows":      {"registry.maxShown"},
	"what a mirror notes of its origin, a release of its packages": {"registry.maxMirrored", "release.maxBegun"},
	"pages of a registry's list":                                   {"registry.maxPages"},
	"the journal of an installation":                               {"install.maxJournal"},
	"a receipt of a package that was made":                         {"create.maxReceipt"},
	"certificates, and `.netrc`":                                   {"internal/access.maxFile"},
	"redirects of a request":                                       {"internal/access.maxRedirects"},
	"a server that is silent":                                      {"internal/access.stalled", "remote.stalled"},
	"a manifest in an OCI registry, a list of what refers to one":  {"oci.maxManifest", "oci.maxManifestMemory"},
	"packages of a version there, artifacts that refer to a manifest, layers of one": {"oci.maxListed"},
	"names of versions there":                      {"oci.maxTags"},
	"a file of a release there that is no package": {"registry.MaxOther"},
	"a package of a registry that is checked":      {"TestEndlessFiles"},
	"a text, JSON":       {"internal/web.maxText", "internal/web.maxDepth", "internal/web.maxIndented"},
	"a table":            {"internal/web.maxRead", "internal/web.maxRows", "internal/web.maxCols", "internal/web.maxCell"},
	"a page of Markdown": {"internal/web.maxMarkdown", "internal/web.maxQuotes", "internal/web.maxMarks"},
	"a mail": {"internal/web.maxMail", "internal/web.maxParts", "internal/web.maxNest", "internal/web.maxHeaders",
		"internal/web.maxHeaderValue"},
	"the line between parts of a mail": {"internal/web.maxBoundary"},
	"a database": {"internal/web.maxDatabase", "internal/web.maxTables", "internal/web.maxValue", "internal/web.queryTime", "internal/web.maxColumns", "internal/web.maxArguments",
		"internal/web.maxCols"},
	"entries on a page":                                               {"serve.shownEntries"},
	"a search, or a comparison on a page":                             {"serve.searchTime", "serve.maxQuery"},
	"a file that is compared line by line":                            {"diff.maxText"},
	"a string out of a package, a manifest or a plugin, in a message": {"finding.maxString"},
	"a message, a hint":                                               {"finding.maxMessage"},
	"a file's name in a finding":                                      {"finding.maxPath"},
	"findings of one rule and severity on one thing":                  {"finding.maxOfKind"},
	"the text of all findings of a report":                            {"finding.maxText"},
	"a case in JUnit's XML":                                           {"finding.maxCase"},
	"the source line below a finding on a terminal":                   {"TestLongLine"},
	"length of the file":                                              {"ptarread.MaxSize"},
	"blobs":                                                           {"ptarread.MaxBlobs", "ptarread.maxArchiveBlobs", "ptarread.maxBlobsInMemory"},
	"a blob decompressed: a chunk, or the list of a file's chunks":    {"ptarread.MaxBlob", "ptarread.maxArchiveList"},
	"a node of a tree":                                                {"ptarread.maxNode"},
	"an entry, an error, an attribute, a snapshot's header":           {"ptarread.maxRecord"},
	"depth of a tree":                                                 {"ptarread.maxTreeDepth"},
	"depth of a record":                                               {"ptarread.maxDepth"},
	"elements in the lists of an entry or a header; of a node":        {"ptarread.maxEntryElements", "ptarread.maxNodeElements"},
	"trees, listings, entries and lists of chunks, decompressed":      {"ptarread.maxMetadata", "ptarread.freeUnpacked", "ptarread.maxRatio"},
	"files and folders":                                               {"ptarread.maxEntries"},
	"a path":                                                          {"ptarread.maxPath", "ptarread.maxArchivePath"},
	"chunks of one file":                                              {"ptarread.maxChunks", "ptarread.MaxBlob"},
	"one file":                                                        {"ptarread.MaxFile"},
	"all files together":                                              {"ptarread.maxRatio", "ptarread.freeUnpacked", "ptarread.MaxUnpacked"},
	"configuration, stored":                                           {"ptarread.maxConfig"},
	"snapshots":                                                       {"ptarread.maxSnapshots", "ptarread.maxSnapshotText"},
	"encryption": {"ptarread.maxKDFMemory", "ptarread.maxKDFPasses", "ptarread.maxKDFIterations", "ptarread.minCipherChunk",
		"ptarread.maxCipherChunk"},
	"problems that are listed":                                      {"ptarread.maxProblems", "ptarread.maxHitFiles"},
	"a chunk that is written":                                       {"ptarbuild.chunkMax"},
	"pieces by which shared content is known":                       {"ptarbuild.maxPieces"},
	"chunks of a file":                                              {"ptarbuild.freeChunks"},
	"what go prints":                                                {"gobuild.outputLimit"},
	"executables kept between runs":                                 {"gobuild.cacheLimit", "gobuild.cacheAge"},
	"starting, `Init` and `Close`":                                  {"host.defaultTimeout"},
	"the end, after the plugin's input has ended":                   {"host.endTimeout"},
	"what it has started, after it has ended":                       {"host.leaveTimeout"},
	"a line on standard error":                                      {"host.maxLine", "host.linesASecond"},
	"its standard output, when it is no gRPC":                       {"host.shownForeign"},
	"an error about an entry, in `kpkg try`":                        {"try.maxMessage"},
	"failures that are listed":                                      {"try.maxFailures", "try.maxFailureText"},
	"paths of a source that are remembered":                         {"TestMemory"},
	"a check of `kpkg test`":                                        {"conformance.checkTimeout"},
	"a sample of `kpkg test`":                                       {"conformance.maxSampleEntries", "conformance.maxSampleBytes"},
	"a file or a variable with the value of a setting":              {"internal/setting.maxFile"},
	"calls at once":                                                 {"sdk/internal/h2.MaxStreams"},
	"what has arrived and nobody has read":                          {"sdk/internal/h2.connWindow", "sdk/internal/h2.streamWindow"},
	"messages being received into memory":                           {"sdk/internal/rpc.MaxReceived"},
	"one of them":                                                   {"sdk/internal/rpc.MaxReceived"},
	"records and acknowledgements that the connector has not taken": {"sdk.maxBacklog", "sdk.minShare"},
	"contents of files that an exporter has not read":               {"sdk.readAhead"},
	"files read before the host asks for them":                      {"sdk.prefetchBytes"},
	"attribute names of a record, excludes, settings":               {"sdk/internal/wire.maxElements"},
	"headers of a call":                                             {"sdk/internal/h2.maxHeaderBlock"},
	"frames that ask for a reply, unread":                           {"TestAttacks"},
}

// TestLimitsRows holds each row of the tables of docs/limits.md to the code.
func TestLimitsRows(t *testing.T) {
	bounds := map[string]bound{}
	for _, b := range allBounds(t) {
		bounds[b.room+"."+b.name] = b
	}
	tests := testNames(t)
	data, err := os.ReadFile(filepath.Join(treeRoot(t), "docs", "limits.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, _, _ := strings.Cut(string(data), beginBounds)
	seen := map[string]bool{}
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| what |") {
			continue
		}
		what, rest, _ := strings.Cut(strings.Trim(line, "| "), " | ")
		seen[what] = true
		if len(limitRows[what]) == 0 {
			t.Errorf("%q: nothing says what holds it", what)
		}
		for _, holder := range limitRows[what] {
			b, known := bounds[holder]
			switch {
			case tests[holder]:
			case !known:
				t.Errorf("%q: there is no %s", what, holder)
			case !b.isIn(rest):
				t.Errorf("%q: %s is %s, which is not in %q", what, holder, b.text(), rest)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(limitRows)) {
		if !seen[what] {
			t.Errorf("docs/limits.md has no row %q", what)
		}
	}
}

// isIn tells whether a text has the bound's value, as people write it.
func (b bound) isIn(text string) bool {
	if b.time {
		seconds := strconv.FormatFloat(time.Duration(b.value).Seconds(), 'f', -1, 64) + " s"
		days := strconv.Itoa(int(time.Duration(b.value).Hours()/24)) + " days"
		return hasNumber(text, seconds) || hasNumber(text, days)
	}
	return hasNumber(text, humanize.Comma(b.value)) || hasNumber(text, humanize.IBytes(uint64(b.value)))
}

// hasNumber tells whether a number stands in a text, and is no part of another one.
func hasNumber(text, number string) bool {
	number = strings.Replace(number, ".0 ", " ", 1)
	return regexp.MustCompile(`(^|[^\d.,])` + regexp.QuoteMeta(number) + `($|[^\d.,]|[.,]($|\D))`).MatchString(text)
}

// testNames are the names of all tests of the tree, by what go test -run takes.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(treeRoot(t), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(data, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
