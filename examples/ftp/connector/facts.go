package connector

import (
	"errors"
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

// parseFacts reads a line of a machine listing (RFC 3659, section 7.2), "fact=value;fact=value; name". What the server
// does not say, or says so that nobody understands it, gets a default: a mode of 0644 or 0755, no owner, a size of 0,
// which a backup corrects, and now as the time, so that a file whose time is unknown is read again by every backup rather
// than taken for unchanged.
func parseFacts(line string, now time.Time) (entry, error) {
	facts, name, err := cutFacts(line)
	if err != nil {
		return entry{}, err
	}
	e := entry{info: objects.FileInfo{Lname: name, LmodTime: now, Lnlink: 1}}
	permissions, hasPermissions := fs.FileMode(0), false

	for fact := range strings.SplitSeq(facts, ";") {
		key, value, _ := strings.Cut(fact, "=")
		key = strings.ToLower(key)
		if e.target != "" && !standardFacts[key] && !strings.HasPrefix(key, "unix.") {
			return entry{}, errors.New("nobody can tell where the target of this symbolic link ends")
		}
		switch key {
		case "type":
			e.kind = strings.ToLower(value)
			if n := len(typeLinkTo); len(value) >= n && strings.EqualFold(value[:n], typeLinkTo) {
				e.kind, e.target = typeLink, value[n:]
			}
		case "size":
			e.info.Lsize = parseSize(value)
		case "modify":
			if t, err := time.Parse(timeOfFacts, value); err == nil && isYear(t.Year()) {
				e.info.LmodTime = t
			}
		case "unix.mode":
			permissions, err = parseMode(value)
			hasPermissions = err == nil
		case "unix.owner", "unix.uid":
			e.info.Luid = parseID(value)
		case "unix.group", "unix.gid":
			e.info.Lgid = parseID(value)
		case "unix.ownername":
			e.info.Lusername = value
		case "unix.groupname":
			e.info.Lgroupname = value
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
	return e, nil
}

// standardFacts may follow a type. The last is empty: what follows the last semicolon.
var standardFacts = map[string]bool{
	"type": true, "size": true, "modify": true, "create": true, "unique": true, "perm": true, "perms": true, "lang": true,
	"media-type": true, "charset": true, "": true,
}

// cutFacts parts the facts of a line from the name. The first blank does so, unless a server leaves blanks in a fact: then
// "; " does, and if the line has several, names and targets of links could end at each.
func cutFacts(line string) (facts, name string, err error) {
	const end = "; "
	isLink := strings.Contains(strings.ToLower(line), "type="+typeLinkTo)
	facts, name, found := strings.Cut(line, " ")
	if i := strings.IndexByte(line, '\t'); i > 0 && line[i-1] == ';' && i < len(facts) {
		facts, name, found = line[:i], line[i+1:], true
	}
	switch {
	case !found || !strings.Contains(facts, "=") && facts != "":
		return "", "", errors.New("not a line of facts")
	case isLink && strings.Count(line, end) > 1:
		return "", "", errors.New("nobody can tell the name of this symbolic link from its target")
	case facts == "" || strings.HasSuffix(facts, ";") || !strings.Contains(line, end):
		return facts, name, nil // a server of before RFC 3659 has no semicolon there
	case isLink || strings.Count(line, end) == 1:
		facts, name, _ = strings.Cut(line, end)
		return facts, name, nil
	}
	return "", "", errors.New("nobody can tell where the facts end and the name begins")
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
