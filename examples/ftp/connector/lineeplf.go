package connector

import (
	"strconv"
	"strings"
	"time"
)

// parseEPLF reads lines of the Easily Parsed LIST Format (https://cr.yp.to/ftp/list/eplf.html), facts and a name:
//
//	+i8388621.48594,m825718503,r,s280,	name
func parseEPLF(line string, now time.Time) (entry, error) {
	rest, found := strings.CutPrefix(line, "+")
	facts, name, hasName := strings.Cut(rest, "\t")
	if !found || !hasName {
		return entry{}, errOtherFormat
	}
	kind, size, modified := "an entry that cannot be retrieved", int64(0), now
	for fact := range strings.SplitSeq(facts, ",") {
		switch {
		case fact == "/":
			kind = typeFolder
		case fact == "r" && kind != typeFolder:
			kind = typeFile
		case strings.HasPrefix(fact, "s"):
			size = parseSize(fact[1:])
		case strings.HasPrefix(fact, "m"):
			if seconds, err := strconv.ParseInt(fact[1:], 10, 64); err == nil && isYear(time.Unix(seconds, 0).UTC().Year()) {
				modified = time.Unix(seconds, 0)
			}
		}
	}
	return newEntry(kind, name, size, modified), nil
}
