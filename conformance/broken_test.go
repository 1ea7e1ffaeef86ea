package conformance_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/internal/raced"
)

// slow checks are made for the faults that they find, and for no others.
var slow = []string{"importer-many", "importer-slow-host", "exporter-many"}

// family are the ids of the checks that begin with a word, without the slow ones.
func family(connectorType, word string) []string {
	var ids []string
	for _, check := range conformance.Checks(connectorType) {
		if strings.HasPrefix(check.ID, word+"-") && !slices.Contains(slow, check.ID) {
			ids = append(ids, check.ID)
		}
	}
	return ids
}

const (
	imports, exports, stores = conformance.Importer, conformance.Exporter, conformance.Storage
	providers, inventories   = conformance.SecretProvider, conformance.Inventory
)

// core are the checks of a type that show whether it does its work at all. They share one import or export.
var core = map[string][]string{
	imports: {"plugin-starts", "plugin-init", "importer-complete", "importer-everything", "importer-content"},
	exports: {"plugin-starts", "plugin-init", "exporter-answers", "exporter-content", "exporter-names"},
	stores:  {"plugin-starts", "plugin-init", "storage-create", "storage-reopen"},

	providers:   {"plugin-starts", "plugin-init", "secret-provider-resolve"},
	inventories: {"plugin-starts", "plugin-init", "inventory-complete"},
}

// blameless are faults that no other check of the family may take for its own: one of each way to be at fault, which are not
// to work at all, to bring something wrong, to die, to stay and to leak.
var blameless = map[string][]string{
	imports: {
		"exits at once", "refuses Init", "fails to close", "ignores SIGTERM",
		"fails at the end", "changes a byte", "forgets a folder", "dies of abandoned files", "outlives its work", "leaks files",
	},
	exports: {
		"dies of an empty Init",
		"forgets a result", "changes content", "takes 4 MiB at most", "outlives its work", "leaks threads",
	},
	stores: {
		"prints the password",
		"cannot create", "mixes kinds", "dies of abandoned reads", "outlives its work", "leaks memory",
	},
	providers:   {"knows nothing", "dies of odd handles", "tells the secret in errors", "outlives its work", "leaks files"},
	inventories: {"fails at the end", "has an empty locator", "lists the password", "outlives its work", "leaks memory"},
}

// watched are the faults that the race detector is given, which makes minutes of each: those that end what the host is in the midst
// of, which is where it does much at once. What else the host does, TestBuiltins does under the detector.
var watched = map[string][]string{
	imports:   {"exits at once", "dies of abandoned files", "outlives its work"},
	exports:   {"dies of an empty Init", "takes 4 MiB at most"},
	stores:    {"dies of abandoned reads"},
	providers: {"dies of odd handles", "leaks files"},
}

type fault struct {
	connectorType string
	fault         string
	found         []string // in the order of the checks
	detail        string   // in what the first says
}

// faults are those of testdata/broken, with the checks that must find each.
var faults = []fault{
	{imports, "prints to stdout", []string{"plugin-starts"}, `it wrote "hello, I am a plugin`},
	{imports, "exits at once", []string{"plugin-starts"}, "exit status 3; its last words: cannot find my configuration"},
	{imports, "refuses Init", []string{"plugin-init"}, "the server is down"},
	{imports, "has no type", []string{"plugin-identity"}, "type is empty"},
	{imports, "is a file", []string{"plugin-flags"}, "the plugin's Flags says [localfs, file]: write"},
	{imports, "does not answer pings", []string{"plugin-ping"}, "not implemented"},
	{imports, "fails to close", []string{"plugin-close"}, "cannot close"},
	{exports, "dies of an empty Init", []string{"plugin-empty-init"}, "no longer answers"},
	{exports, "needs a host name", []string{"plugin-minimal-init"}, "no host name"},
	{stores, "refuses large configurations", []string{"plugin-large-config"}, "value too long"},
	{imports, "exits with 1", []string{"plugin-exit-status"}, "exit status 1"},
	{imports, "outlives its host", []string{"plugin-exit-in-time", "plugin-exit-uninitialized"}, "still runs"},
	{imports, "ignores SIGTERM", []string{"plugin-sigterm"}, "still runs"},
	{imports, "ignores SIGINT", []string{"plugin-sigint"}, "still runs"},
	{imports, "succeeds before Init", []string{"plugin-uninitialized"}, "Ping succeeds"},
	{exports, "knows every method", []string{"plugin-unknown-method"}, "should say Unimplemented"},
	{stores, "takes any Init", []string{"plugin-malformed-init"}, "no protobuf message"},
	{stores, "prints the password", []string{"plugin-secret-stderr"}, "logging in with"},
	{stores, "passes the password on", []string{"plugin-secret-process"}, "process's arguments"},
	{imports, "leaves a daemon", []string{"plugin-leaves-no-process"}, "there still run sleep"},
	{stores, "keeps the password in a file", []string{"plugin-secret-file"}, "it leaves settings.conf"},
	{stores, "password in errors", []string{"plugin-secret-error"}, "beside password"},

	{imports, "fails at the end", []string{"importer-complete"}, "connection was lost"},
	{imports, "cannot read large files", []string{"importer-complete"}, "too large"},
	{imports, "forgets a file", []string{"importer-everything"}, "/many/100"},
	{imports, "changes a byte", []string{"importer-content"}, "sizes/4096"},
	{imports, "forgets link targets", []string{"importer-content"}, "dangling"},
	{imports, "sends relative paths", []string{"importer-paths"}, `"relative"`},
	{imports, "sends an entry twice", []string{"importer-duplicates"}, "comes twice"},
	{imports, "sends modes of Unix", []string{"importer-fileinfo"}, "hexadecimal"},
	{imports, "sends what is elsewhere", []string{"importer-root"}, "/elsewhere"},
	{imports, "forgets a folder", []string{"importer-parents"}, "names"},
	{imports, "cuts files short", []string{"importer-sizes"}, "says 4096"},
	{imports, "forgets times", []string{"importer-times"}, "2021"},
	{imports, "differs each time", []string{"importer-again"}, "and then"},
	{imports, "knows six readers", []string{"importer-concurrent"}, "too many files"},
	{imports, "wants to be read", []string{"importer-unread", "importer-unanswered"}, "nothing was read"},
	{imports, "dies of abandoned files", []string{"importer-abandoned"}, "exit status 1"},
	{imports, "leaks files", []string{"importer-leaks"}, "ever more open files"},
	{imports, "leaks threads", []string{"importer-leaks"}, "ever more threads"},
	{imports, "leaks memory", []string{"importer-leaks"}, "ever more memory"},
	{imports, "finds nothing where nothing is", []string{"importer-missing-source"}, "without an error"},
	{imports, "reads vanished files as empty", []string{"importer-vanished"}, "gives 0 of "},

	{imports, "does not announce attributes", []string{"importer-xattrs"}, "not announced"},
	{imports, "always sends attributes", []string{"importer-no-xattr"}, "comes"},
	{imports, "stops for errors", []string{"importer-read-errors"}, "could not store something"},
	{imports, "dies of unknown acknowledgements", []string{"importer-answer-flood"}, "10,000 acknowledgements"},
	{imports, "dies of empty acknowledgements", []string{"importer-bad-answers"}, "without a result"},
	{imports, "is used up when cancelled", []string{"importer-cancelled"}, "used up"},
	{imports, "gives any path", []string{"importer-unknown-path"}, "has not announced"},
	{imports, "fails for bad names", []string{"importer-bad-name"}, "not UTF-8"},
	{imports, "knows no large folders", []string{"importer-many"}, "of 2000 files come"},
	{imports, "ignores SIGTERM", []string{"importer-interrupted"}, "still runs"},
	{imports, "knows no long paths", []string{"importer-long-path"}, "does not come"},
	{imports, "cuts large attributes", []string{"importer-large-attribute"}, "1000 bytes of"},
	{imports, "outlives its work", []string{"importer-host-death"}, "still runs"},

	{exports, "forgets a result", []string{"exporter-answers"}, "plain.txt"},
	{exports, "needs something to do", []string{"exporter-nothing"}, "nothing to export"},
	{exports, "forgets a file", []string{"exporter-content"}, "/sizes/4096"},
	{exports, "renames a file", []string{"exporter-names"}, "another name"},
	{exports, "refuses links", []string{"exporter-links"}, "no links here"},
	{exports, "takes 4 MiB at most", []string{"exporter-large-record"}, "exit status 1"},
	{exports, "changes content", []string{"exporter-content"}, "other content"},
	{exports, "forgets empty folders", []string{"exporter-folders"}, "empty"},
	{exports, "refuses folders that are there", []string{"exporter-known-folders"}, "mkdir: it is there"},
	{exports, "follows links", []string{"exporter-links"}, "instead of"},
	{exports, "forgets modes", []string{"exporter-modes"}, "has mode"},
	{exports, "forgets times", []string{"exporter-times"}, "1970"},
	{exports, "does not overwrite", []string{"exporter-overwrite"}, "after the second export"},
	{exports, "keeps old links", []string{"exporter-replace"}, "/link\""},
	{exports, "keeps files for folders", []string{"exporter-replace"}, "becomes-folder"},
	{exports, "writes through links", []string{"exporter-replace"}, "wrote through a link"},
	{exports, "escapes", []string{"exporter-escape"}, "outside of the location"},
	{exports, "exports once", []string{"exporter-again", "exporter-leaks"}, "used up"},
	{exports, "ignores attributes", []string{"exporter-odd-records"}, "2 results"},
	{exports, "hides failures", []string{"exporter-one-failure"}, "has the results [<nil>]"},
	{exports, "fails for one failure", []string{"exporter-one-failure"}, "all of the export fails"},
	{exports, "reads 200 times", []string{"exporter-small-chunks"}, "not there"},
	{exports, "drops stray chunks", []string{"exporter-stray-chunk"}, "belongs to no file"},
	{exports, "forgets results after 1,000", []string{"exporter-many"}, "did not say"},
	{exports, "outlives its work", []string{"exporter-host-death"}, "still runs"},
	{exports, "leaks files", []string{"exporter-leaks"}, "ever more open files"},
	{exports, "leaks threads", []string{"exporter-leaks"}, "ever more threads"},
	{exports, "leaks memory", []string{"exporter-leaks"}, "ever more memory"},
	{exports, "keeps parts late", []string{"exporter-cut", "exporter-cancelled"}, "a part of its content"},
	{exports, "writes in place", []string{"exporter-cut", "exporter-cancelled"}, "a part of its content"},

	{stores, "cannot create", []string{"storage-create"}, "no room"},
	{stores, "forgets when it closes", []string{"storage-reopen"}, "a packfile of 0 bytes"},
	{stores, "dies of abandoned reads", []string{"storage-get-abandoned"}, "EOF"},
	{stores, "dies of missing objects", []string{"storage-delete-missing"}, "deleting an object"},
	{stores, "takes any MAC", []string{"storage-bad-mac"}, "deletes with"},
	{stores, "changes the configuration", []string{"storage-open"}, "another byte"},
	{stores, "opens what is not there", []string{"storage-open-missing"}, "none was created"},
	{stores, "creates twice", []string{"storage-create-twice"}, "second Create succeeds"},
	{stores, "keeps no more than 8 MiB", []string{"storage-put-get"}, "8388608 bytes instead of 16777216"},
	{stores, "mixes kinds", []string{"storage-kinds"}, "102 bytes instead of 101"},
	{stores, "counts nothing", []string{"storage-put-count"}, "says 0"},
	{stores, "knows no ranges", []string{"storage-range"}, "4096 bytes from 1"},
	{stores, "fills ranges up", []string{"storage-range-end"}, "not there"},
	{stores, "gives missing states as empty", []string{"storage-get-missing"}, "0 bytes and no error"},
	{stores, "lists no more than 20", []string{"storage-list"}, "listed 0 times"},
	{stores, "never deletes", []string{"storage-delete"}, "still there"},
	{stores, "has no mode", []string{"storage-mode"}, "neither"},
	{stores, "has no size", []string{"storage-size"}, "size is 0"},
	{stores, "puts one at a time", []string{"storage-parallel"}, "busy"},
	{stores, "appends", []string{"storage-put-again"}, "100000 bytes instead of 50000"},
	{stores, "keeps parts", []string{"storage-put-cancelled", "storage-put-host-death"}, "listed"},
	{stores, "outlives its work", []string{"storage-put-host-death"}, "still runs"},
	{stores, "leaks files", []string{"storage-leaks"}, "ever more open files"},
	{stores, "leaks memory", []string{"storage-leaks"}, "ever more memory"},
	{stores, "takes everything", []string{"storage-unknown-kind"}, "kind 99"},

	{providers, "refuses Init", []string{"plugin-init"}, "the server is down"},
	{providers, "prints the password", []string{"plugin-secret-stderr"}, "logging in with"},
	{providers, "knows nothing", []string{"secret-provider-resolve"}, "no secret db"},
	{providers, "adds a line break", []string{"secret-provider-line-end"}, "as files end"},
	{providers, "differs each time", []string{"secret-provider-again"}, "another secret of 14 bytes"},
	{providers, "resolves one at a time", []string{"secret-provider-parallel"}, "busy"},
	{providers, "mixes up answers", []string{"secret-provider-parallel"}, "one of eight at once gives another secret of 9 bytes"},
	{providers, "has nothing for unknown handles",
		[]string{"secret-provider-unknown", "secret-provider-empty-handle", "secret-provider-odd-handles"}, "a secret of 0 bytes"},
	{providers, "guesses", []string{"secret-provider-unknown"}, `"db-kpkg-no-such-handle" stands for`},
	{providers, "takes no handle for any", []string{"secret-provider-empty-handle"}, `the handle ""`},
	{providers, "dies of odd handles", []string{"secret-provider-odd-handles"}, "no longer answers"},
	{providers, "reads any file", []string{"secret-provider-escape"}, "none-of-its-secrets"},
	{providers, "runs commands", []string{"secret-provider-escape"}, "cat"},
	{providers, "takes any handle", []string{"secret-provider-malformed"}, "no protobuf message"},
	{providers, "tells the secret in errors", []string{"secret-provider-error"}, `has the secret of "db" in it`},
	{providers, "prints the secret", []string{"secret-provider-stderr"}, "it prints"},
	{providers, "keeps the secret in a file", []string{"secret-provider-file"}, "it leaves cache in"},
	{providers, "passes the secret on", []string{"secret-provider-process"}, "process's arguments"},
	{providers, "is used up when cancelled", []string{"secret-provider-cancelled"}, "used up"},
	{providers, "outlives its work", []string{"secret-provider-host-death"}, "still runs"},
	{providers, "outlives an unfinished Resolve", []string{"secret-provider-host-death"}, "still runs"},
	{providers, "leaks files", []string{"secret-provider-leaks"}, "ever more open files"},

	{inventories, "refuses Init", []string{"plugin-init"}, "the server is down"},
	{inventories, "prints the password", []string{"plugin-secret-stderr"}, "logging in with"},
	{inventories, "fails at the end", []string{"inventory-complete"}, "connection was lost"},
	{inventories, "has no URN", []string{"inventory-urns"}, "entry 100 of 200"},
	{inventories, "lists an entry twice", []string{"inventory-duplicates"}, "comes twice"},
	{inventories, "has no name", []string{"inventory-names"}, "no name"},
	{inventories, "knows a class of its own", []string{"inventory-classes"}, `class "disks"`},
	{inventories, "knows a subclass of another class", []string{"inventory-classes"}, `subclass "s3"`},
	{inventories, "lists control characters", []string{"inventory-texts"}, `its name "\x1b`},
	{inventories, "says that a name is an address", []string{"inventory-endpoints"}, `"db.example.org" is no inet4`},
	{inventories, "has endpoints of a type of its own", []string{"inventory-endpoints"}, "there are host"},
	{inventories, "has an empty locator", []string{"inventory-locators"}, `the identifier ""`},
	{inventories, "differs each time", []string{"inventory-again"}, "and the second"},
	{inventories, "lists one at a time", []string{"inventory-parallel"}, "busy"},
	{inventories, "is used up when cancelled", []string{"inventory-cancelled"}, "used up"},
	{inventories, "lists the password", []string{"inventory-secret"}, "has the password in it"},
	{inventories, "outlives its work", []string{"inventory-host-death"}, "still runs"},
	{inventories, "leaks memory", []string{"inventory-leaks"}, "ever more memory"},
}

// TestBroken holds each fault of testdata/broken to the checks that must find it, be it with a note, and to no other of the
// core, or of its whole family if it is one of the blameless.
func TestBroken(t *testing.T) {
	for _, test := range faults {
		t.Run(test.connectorType+" "+test.fault, func(t *testing.T) {
			whole := slices.Contains(blameless[test.connectorType], test.fault)
			if !slices.Contains(watched[test.connectorType], test.fault) {
				raced.Skip(t, "the watched ones run the same code")
			}
			t.Parallel()
			prefix, _, _ := strings.Cut(test.found[0], "-")
			c := config(test.connectorType, test.fault)
			c.Only = append(slices.Clone(core[test.connectorType]), test.found...)
			if whole {
				c.Only = append(c.Only, family(test.connectorType, prefix)...)
			}
			if raced.On() { // which makes minutes of what moves many megabytes again and again
				c.Only = slices.DeleteFunc(c.Only, func(id string) bool {
					return strings.HasSuffix(id, "-leaks") && !slices.Contains(test.found, id)
				})
			}
			results, err := conformance.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			var found, details []string
			for _, r := range results {
				if slices.Contains(test.found, r.ID) {
					skipLacking(t, r)
				}
				if r.Status == conformance.Fail || strings.HasPrefix(r.Detail, "a note, as ") {
					found, details = append(found, r.ID), append(details, r.Detail)
				}
			}
			if !slices.Equal(found, test.found) || !strings.Contains(details[0], test.detail) {
				t.Errorf("found by %v, want %v with %q; they say:\n%s",
					found, test.found, test.detail, strings.Join(details, "\n"))
			}
		})
	}
}

// skipLacking skips a test whose check was skipped for what not every machine has: /proc, but on Linux, and extended
// attributes.
func skipLacking(t *testing.T, r conformance.Result) {
	t.Helper()
	noProc := runtime.GOOS != "linux" && strings.Contains(r.Detail, "/proc")
	if r.Status == conformance.Skip && (noProc || strings.Contains(r.Detail, "extended attributes")) {
		t.Skip(r.Detail)
	}
}

// TestBlameless looks for names that no fault has.
func TestBlameless(t *testing.T) {
	for connectorType, names := range blameless {
		for _, name := range names {
			if !slices.ContainsFunc(faults, func(f fault) bool { return f.connectorType == connectorType && f.fault == name }) {
				t.Errorf("no %s %s", connectorType, name)
			}
		}
	}
	for connectorType, names := range watched {
		for _, name := range names {
			if !slices.Contains(blameless[connectorType], name) {
				t.Errorf("%s %s is watched, and not held to all checks", connectorType, name)
			}
		}
	}
}

// TestProven looks for checks that find nothing.
func TestProven(t *testing.T) {
	proven := []string{
		"exporter-read-back",                                                                                 // by TestReadBackFails
		"storage-places",                                                                                     // by TestPlaces
		"importer-cut-file",                                                                                  // by TestSingleFileImporter
		"plugin-schema-accepts", "plugin-schema-required", "plugin-schema-refuses", "plugin-schema-defaults", // by TestSchema
		"importer-slow-host", // a plugin would have to go by the clock to fail it
	}
	for _, test := range faults {
		proven = append(proven, test.found...)
	}
	for _, connectorType := range conformance.Types() {
		for _, check := range conformance.Checks(connectorType) {
			if !slices.Contains(proven, check.ID) {
				t.Errorf("no fault is found by %s", check.ID)
			}
		}
	}
}
