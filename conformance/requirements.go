package conformance

import (
	"fmt"
	"runtime"

	"github.com/PlakarKorp/kloset/location"
	"github.com/dustin/go-humanize/english"
)

// requirement says what a check cannot do without: it returns why the subject does not have it, "" if it does.
type requirement func(*subject) string

// needsLocation, needsOwnFiles and needsReadBack are what most checks need.
var (
	needsLocation = []requirement{hasLocation}
	needsOwnFiles = []requirement{ownFiles}
	needsReadBack = []requirement{hasLocation, canReadBack}
)

// hasLocation is a location to work at, for a connector that does so, and for others the settings that they need.
func hasLocation(s *subject) string {
	if !s.config.worksAtLocation() {
		if lacked := s.config.lackedSettings(); len(lacked) > 0 {
			return fmt.Sprintf("the validator requires %s: add --config %s=...", english.WordSeries(lacked, "and"), lacked[0])
		}
		return ""
	}
	if s.location == "" && s.config.SingleFile && s.config.Type == Importer {
		return "no location is given, and which file it could be is not known: add --config location=... with one to read"
	}
	if s.location == "" {
		return "no location is given: add --config location=... with one to test at"
	}
	return ""
}

// ownFiles is a location that is a local folder made for the test, so that it is known what is there.
func ownFiles(s *subject) string {
	if s.folder == "" {
		return "only connectors of local files can be held to it, in a temporary folder"
	}
	return ""
}

// canReadBack is a destination that can be looked at: a local folder, or one that an importer reads.
func canReadBack(s *subject) string {
	if !s.onDisk() && s.config.ReadBack.Executable == "" {
		return "what was written cannot be read back: the package has no importer of " + s.config.Protocol
	}
	return ""
}

// manyFiles is a destination that holds what was written before beside what is written.
func manyFiles(s *subject) string {
	if s.config.SingleFile {
		return "the location is one file, which one export fills"
	}
	return ""
}

// ownFile is a source of one file on this machine, of which a copy can be changed.
func ownFile(s *subject) string {
	if !s.config.SingleFile || s.manifestFlags&location.FLAG_LOCALFS == 0 {
		return "needs a connector of one local file"
	}
	return hasLocation(s)
}

// anyFile is a destination that is not known to accept only the files of the author's sample.
func anyFile(s *subject) string {
	if s.sample != nil {
		return "the destination is sent nothing but the sample, whose files have one content each"
	}
	return ""
}

// repeatable is an importer that can import more than once.
func repeatable(s *subject) string {
	if s.manifestFlags&location.FLAG_STREAM != 0 {
		return "the connector's flag stream says that it can import only once"
	}
	return ""
}

// hasValidator is a schema of the settings to hold the connector to.
func hasValidator(s *subject) string {
	if s.config.Validator == nil {
		return "the validator is not given"
	}
	return ""
}

// hasHandle is a handle that a secret provider knows.
func hasHandle(s *subject) string {
	if s.config.Handle == "" {
		return "no handle is given that it knows: name one in " + SettingsName + ", as in handle: db/password"
	}
	return ""
}

// flagsKnown is a manifest to compare with.
func flagsKnown(s *subject) string {
	if s.config.LocationFlags == nil {
		return "the manifest's location flags are not given"
	}
	return ""
}

// unix is a system with signals and permissions.
func unix(*subject) string {
	if runtime.GOOS == "windows" {
		return "needs the signals or permissions of Unix"
	}
	return ""
}

// procFiles is Linux's window into processes.
func procFiles(*subject) string {
	if runtime.GOOS != "linux" {
		return "needs /proc, which only Linux has"
	}
	return ""
}
