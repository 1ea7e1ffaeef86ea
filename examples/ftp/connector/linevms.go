package connector

import (
	"regexp"
	"strings"
	"time"
)

// vmsBlock is what VMS counts sizes in, in bytes.
const vmsBlock = 512

var (
	// vmsName is a name with its version, which stands on a line of its own when it is long.
	vmsName   = regexp.MustCompile(`^\S.*;\d+\s*$`)
	vmsLine   = regexp.MustCompile(`^(\S.*?;\d+)\s+(.*)$`)
	vmsDate   = regexp.MustCompile(`(?:^|\s)(\d{1,2})-(\pL{3})-(\d{4})(?:\s+(\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?))?(?:\s|$)`)
	vmsSize   = regexp.MustCompile(`(?:^|\s)(\d+)(?:/\d+)?(?:\s|$)`)
	vmsFolder = regexp.MustCompile(`(?i)^(.+)\.DIR;\d+$`)
)

// parseVMS reads OpenVMS's lines, of which the order differs between servers:
//
//	NAME.TXT;1       2/8     15-JAN-2000 21:41:10  [GROUP,OWNER]   (RWED,RWED,RE,)
//	FOLDER.DIR;1     1       19-NOV-2001 21:41     [GROUP,OWNER]   (RWE,RWE,RE,RE)
//
// The version stays part of a file's name, so that each version is one file. The size is in blocks, and so rounded up.
func parseVMS(line string, now time.Time) (entry, error) {
	m := vmsLine.FindStringSubmatch(line)
	if m == nil {
		return entry{}, errOtherFormat
	}
	name, rest := m[1], m[2]
	d := vmsDate.FindStringSubmatchIndex(rest)
	if d == nil {
		return entry{}, errOtherFormat
	}
	part := func(i int) string {
		if d[2*i] < 0 {
			return ""
		}
		return rest[d[2*i]:d[2*i+1]]
	}
	month := months[strings.ToLower(part(2))] // 0, which no date has, in a language that is not known
	modified, ok := newTime(number(part(3)), month, number(part(1)), clock.FindStringSubmatch(part(4)))

	size := int64(0)
	if found := vmsSize.FindStringSubmatch(rest[:d[0]] + " " + rest[d[1]:]); found != nil {
		if blocks := parseSize(found[1]); blocks < 1<<50 {
			size = blocks * vmsBlock
		}
	}
	if folder := vmsFolder.FindStringSubmatch(name); folder != nil {
		return newEntry(typeFolder, folder[1], 0, orNow(modified, ok, now)), nil
	}
	return newEntry(typeFile, name, size, orNow(modified, ok, now)), nil
}
