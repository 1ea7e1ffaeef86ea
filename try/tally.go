package try

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// A result lists so many failures, and of so many bytes together: what is printed takes up to four times as many.
const (
	maxFailures    = 1000
	maxFailureText = 256 << 10
)

// Stage is what is being done.
type Stage string

const (
	Opening    Stage = "opening the data file"
	Connecting Stage = "opening the store"
	Building   Stage = "building the package"
	Verifying  Stage = "verifying the package"
	Starting   Stage = "starting the plugin"
	Copying    Stage = "copying"
	Completing Stage = "completing the data file" // its indexes, and reading it again
	Committing Stage = "completing the snapshot"  // of a store
	Checking   Stage = "checking"
	Ending     Stage = "ending the plugin" // when ctx has ended; it has up to 3 seconds
)

// Progress is how far a backup or a restore has come.
type Progress struct {
	Stage Stage
	// Files and Directories are done; Others are symbolic links, devices and the like.
	Files, Directories, Others int
	// Bytes of the files' contents that have been read.
	Bytes int64
	// Failed entries.
	Failed int
	// AttributesLeft are the extended attributes of a data file that the exporter does not take.
	AttributesLeft int
}

// maxMessage is how many bytes of a failure's message are kept: thousands of them are.
const maxMessage = 1000

// shorten cuts a message that somebody else wrote.
func shorten(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(text[:maxMessage], ""), len(text))
}

// Failure is an entry that could not be copied.
type Failure struct {
	// Path of the entry; "" if it is not about one.
	Path  string `json:"path,omitempty"`
	Error string `json:"error"`
}

// Result is what was copied.
type Result struct {
	Progress
	// Size of the data file in bytes.
	Size int64
	// Snapshot is the identifier of that of a store which was written or restored; Made tells that the store was made for it.
	Snapshot string
	Made     bool
	// Failures are sorted, and the first 1,000 only, or of the first 256 KiB; Progress.Failed counts all.
	Failures []Failure
}

// tally counts what is done. It may be used concurrently.
type tally struct {
	report func(Progress)
	cut    func(string) string

	mu       sync.Mutex
	now      Progress
	failures []Failure
	text     int // bytes of the failures
}

func newTally(report func(Progress)) *tally {
	if report == nil {
		report = func(Progress) {}
	}
	return &tally{report: report, cut: func(text string) string { return text }}
}

func (t *tally) change(f func(*Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.now)
	t.report(t.now)
}

func (t *tally) stage(stage Stage) { t.change(func(p *Progress) { p.Stage = stage }) }

func (t *tally) fail(path string, err error) {
	f := Failure{path, shorten(t.cut(err.Error()))}
	t.change(func(p *Progress) {
		p.Failed++
		if size := len(f.Path) + len(f.Error); len(t.failures) < maxFailures && t.text+size <= maxFailureText {
			t.failures = append(t.failures, f)
			t.text += size
		}
	})
}

func (t *tally) result() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	failures := slices.Clone(t.failures)
	slices.SortFunc(failures, func(a, b Failure) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Error, b.Error))
	})
	return Result{Progress: t.now, Failures: failures}
}

// isBelow tells a folder that a restore restores, the root included, from those above, which are in a snapshot too.
func isBelow(name, root string) bool {
	root = path.Clean(root)
	return name == root || strings.HasPrefix(name, strings.TrimSuffix(root, "/")+"/")
}
