package web

import "time"

// Snapshots is the first page.
type Snapshots struct {
	Page
	Snapshots []SnapshotLink
}

// SnapshotLink is a snapshot on the first page.
type SnapshotLink struct {
	ID, Name, Origin, Root, URL, Compare string
	Time                                 time.Time
	Files, Errors                        uint64
	Size                                 string
}

// Entry is one of a folder or of what was found.
type Entry struct {
	Name, URL, Mode, Size, Target string
	Time                          time.Time
	Folder                        bool
}

// Folder is the page of a folder, or of what was found.
type Folder struct {
	Page
	Entries   []Entry
	Zip       string // where the folder is as a zip
	More      string // where the next entries are
	Note      string
	DAV       string
	Searching bool
}

// File is the page of a file.
type File struct {
	Page
	View
	Raw, Size, Mode string
	Time            time.Time
	Action          string // where a query goes
}

// Comparison is the page of what differs between two snapshots.
type Comparison struct {
	Page
	Old, New string
	Changes  []Change
	Note     string
}

// Change is an entry that differs.
type Change struct{ Kind, Path, What string }

// Failure is the page of what could not be shown.
type Failure struct {
	Page
	Message string
}
