package connector

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/objects"
)

// What a machine listing says that an entry is (RFC 3659, section 7.5.1; the unix names are ProFTPD's and Pure-FTPd's).
const (
	typeFile    = "file"
	typeFolder  = "dir"
	typeSelf    = "cdir" // the folder that is listed
	typeParent  = "pdir"
	typeLink    = "os.unix=symlink"
	typeLinkTo  = "os.unix=slink:" // followed by the target
	timeOfFacts = "20060102150405" // UTC; fractions of a second may follow
)

// entry is one line of a listing.
type entry struct {
	kind   string // one of the types above, or what the server says instead
	info   objects.FileInfo
	target string // of a symbolic link, if the server tells it
}

func (e entry) lacksTarget() bool { return e.kind == typeLink && e.target == "" }

// parseFacts reads a line of a machine listing (RFC 3659, section 7.2), "fact=value;fact=value; name". What the
// server does not say gets a default: a mode of 0644 or 0755, no owner, and now as the time, so that a file whose
// time is unknown is read again by every backup rather than taken for unchanged.
func parseFacts(line string, now time.Time) (entry, error) {
	facts, name, found := strings.Cut(line, "; ")
	if !found {
		return entry{}, errors.New("not a line of facts")
	}
	e := entry{info: objects.FileInfo{Lname: name, LmodTime: now, Lnlink: 1}}
	permissions := fs.FileMode(0)
	hasPermissions := false

	for fact := range strings.SplitSeq(facts, ";") {
		key, value, _ := strings.Cut(fact, "=")
		var err error
		switch strings.ToLower(key) {
		case "type":
			e.kind = strings.ToLower(value)
			if strings.HasPrefix(e.kind, typeLinkTo) {
				e.kind, e.target = typeLink, value[len(typeLinkTo):]
			}
		case "size":
			e.info.Lsize, err = strconv.ParseInt(value, 10, 64)
		case "modify":
			e.info.LmodTime, err = time.Parse(timeOfFacts, value)
		case "unix.mode":
			permissions, err = parseMode(value)
			hasPermissions = true
		case "unix.owner", "unix.uid":
			e.info.Luid = parseID(value)
		case "unix.group", "unix.gid":
			e.info.Lgid = parseID(value)
		case "unix.ownername":
			e.info.Lusername = value
		case "unix.groupname":
			e.info.Lgroupname = value
		}
		if err != nil {
			return entry{}, fmt.Errorf("fact %q: %w", fact, err)
		}
	}

	switch e.kind {
	case typeFolder, typeSelf, typeParent:
		e.info.Lmode, e.info.Lsize = fs.ModeDir|0o755, 0
	case typeLink:
		e.info.Lmode, e.info.Lsize = fs.ModeSymlink|0o777, 0
	default:
		e.info.Lmode = 0o644
	}
	if hasPermissions {
		e.info.Lmode = e.info.Lmode.Type() | permissions
	}
	if e.info.Lsize < 0 {
		return entry{}, fmt.Errorf("size %d is negative", e.info.Lsize)
	}
	return e, nil
}

// parseMode reads octal permission bits, set-user-id, set-group-id and sticky included.
func parseMode(value string) (fs.FileMode, error) {
	bits, err := strconv.ParseUint(value, 8, 12)
	if err != nil {
		return 0, err
	}
	mode := fs.FileMode(bits) & fs.ModePerm
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode, nil
}

// parseID is 0 for an owner that is not a number: some servers put the name where others put the id.
func parseID(value string) uint64 {
	id, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return 0
	}
	return id
}
