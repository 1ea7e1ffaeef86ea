package connector

import (
	"regexp"
	"strings"
	"time"
)

var (
	os400Line = regexp.MustCompile(`^\S+ +(\d+) +(\d\d(?:\d\d)?)([-/.])(\d\d)([-/.])(\d\d(?:\d\d)?) +` +
		`(\d\d:\d\d:\d\d) +(\*[A-Z0-9]+) +(\S.*)$`)
	// os400Member is a member of a file or another object, of which the server tells no size and no time.
	os400Member = regexp.MustCompile(`^\S+ +(\*[A-Z0-9]+) +(\S.*)$`)
)

// parseOS400 reads lines of OS/400 (IBM i):
//
//	QSYS            77824 02/23/00 15:09:55 *DIR       folder/
//	QPGMR           36864 18.09.06 14:21:26 *STMF      file
//
// The date has the format of the job that serves: day, month and year in any order. Where two orders give a date, the time
// is taken for unknown.
func parseOS400(line string, now time.Time) (entry, error) {
	modified, size, kind, name := now, int64(0), "", ""
	if m := os400Line.FindStringSubmatch(line); m != nil && m[3] == m[5] {
		orders := []order{yearFirst, monthFirst, dayFirst}
		switch m[3] {
		case ".": // *EUR and *DMY
			orders = []order{dayFirst}
		case "-": // *ISO
			orders = []order{yearFirst}
		}
		t, ok := readNumbers(m[2], m[4], m[6], clock.FindStringSubmatch(m[7]), orders...)
		modified, size, kind, name = orNow(t, ok, now), parseSize(m[1]), m[8], m[9]
	} else if m := os400Member.FindStringSubmatch(line); m != nil {
		kind, name = m[1], m[2]
	} else {
		return entry{}, errOtherFormat
	}

	if trimmed, isFolder := strings.CutSuffix(name, "/"); isFolder {
		return newEntry(typeFolder, trimmed, 0, modified), nil
	}
	switch kind {
	case "*DIR", "*DDIR", "*FLR", "*LIB":
		return newEntry(typeFolder, name, 0, modified), nil
	case "*SYMLNK":
		return newEntry(typeLink, name, 0, modified), nil
	}
	return newEntry(typeFile, name, size, modified), nil
}
