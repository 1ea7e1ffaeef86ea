package verify

import (
	"slices"
	"strings"
	"time"
)

// personal are the facts of a snapshot that tell of the machine or person that made it, by the names kloset gives them.
var personal = []string{
	"Hostname", "Username", "MachineID", "CommandLine", "ProcessID", "NumCPU", "MaxProcs",
	"ImporterOrigin", "ImporterDirectory", "Identity",
}

// checkPrivacy reports what the package gives away of where it was built. It installs all the same.
func (v *verifier) checkPrivacy() (int, error) {
	const hint = "build it with kpkg create, which records nothing of the machine"
	origin := v.pkg.Origin()
	var told []string
	for _, fact := range origin {
		if slices.Contains(personal, fact.Name) {
			told = append(told, fact.Name)
		}
	}
	if len(told) > 0 {
		v.warningf("privacy-origin", hint, "the package records %s of the machine that built it", strings.Join(told, ", "))
	}
	users, inodes := false, false
	times := v.pkg.Info().Times
	for _, e := range v.pkg.Entries() {
		users = users || e.UID != 0 || e.GID != 0 || e.User != "" || e.Group != ""
		inodes = inodes || e.Device != 0 || e.Inode != 0
		times = append(times, e.ModTime)
	}
	if users {
		v.warningf("privacy-owner", hint, "the package records the users or groups that own the files on the machine that built it")
	}
	if inodes {
		v.warningf("privacy-inode", hint, "the package records devices or inodes of the machine that built it")
	}
	if slices.ContainsFunc(times, readFromClock) {
		v.warningf("privacy-time", hint, "the package records times of the machine that built it to the nanosecond")
	}
	return len(origin) + len(times), nil
}

// readFromClock tells a time that a clock or file system gave from one that someone chose, which is in whole seconds.
func readFromClock(t time.Time) bool { return t.Nanosecond() != 0 }
