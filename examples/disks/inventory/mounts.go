package inventory

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// disk is a file system on a device, and where it is mounted as a whole.
type disk struct {
	device, kind string
	mounts       []string
	readOnly     bool
}

// readMounts reads what proc_pid_mountinfo(5) describes: the disks, in the order in which they are first mounted. A part of a
// file system that is mounted elsewhere, as containers do, is none of its own.
func readMounts(r io.Reader) ([]*disk, error) {
	var disks []*disk
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		// ID parent major:minor root mount-point options [optional...] - type source super-options
		before, after, found := strings.Cut(lines.Text(), " - ")
		first, last := strings.Fields(before), strings.Fields(after)
		if !found || len(first) < 6 || len(last) < 3 {
			return nil, fmt.Errorf("a line of another form: %q", lines.Text())
		}
		root, mount, options := unescape(first[3]), unescape(first[4]), first[5]
		kind, device := last[0], unescape(last[1])
		if root != "/" || !onDisk(device) {
			continue
		}
		if resolved, err := filepath.EvalSymlinks(device); err == nil { // /dev/mapper/NAME is a link
			device = resolved
		}
		i := slices.IndexFunc(disks, func(d *disk) bool { return d.device == device })
		if i < 0 {
			i = len(disks)
			disks = append(disks, &disk{device: device, kind: kind, readOnly: slices.Contains(strings.Split(options, ","), "ro")})
		}
		if !slices.Contains(disks[i].mounts, mount) {
			disks[i].mounts = append(disks[i].mounts, mount)
		}
	}
	return disks, lines.Err()
}

// onDisk tells devices from file systems without one, and from files that are mounted as if they were one.
func onDisk(device string) bool {
	return strings.HasPrefix(device, "/dev/") && !strings.HasPrefix(device, "/dev/loop")
}

// unescape undoes the octal escapes of spaces, tabs, line breaks and backslashes.
func unescape(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		code, err := strconv.ParseUint(after[:min(3, len(after))], 8, 8)
		if err != nil || len(after) < 3 {
			b.WriteByte('\\')
			text = after
			continue
		}
		b.WriteByte(byte(code))
		text = after[3:]
	}
}

// shown is a path as it can be printed: a mount point may hold any character.
func shown(path string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, path)
}
