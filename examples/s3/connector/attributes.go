package connector

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// What S3 has no place for is in the user metadata of objects, as other programs have it there: mtime in seconds with a fraction
// (rclone and s3fs), mode as a number of stat(2) (s3fs in decimal, rclone in octal with a 0 before it).
const (
	keyTime = "Mtime"
	keyMode = "Mode"
)

// The bits of stat(2), which are the same on all systems that have them.
const (
	bitsType   = 0o170000
	bitsFolder = 0o040000
	bitsFile   = 0o100000
	bitSetuid  = 0o4000
	bitSetgid  = 0o2000
	bitSticky  = 0o1000
)

var special = map[fs.FileMode]uint32{fs.ModeSetuid: bitSetuid, fs.ModeSetgid: bitSetgid, fs.ModeSticky: bitSticky}

// metadata is what is kept of a file or a folder.
func metadata(mode fs.FileMode, modified time.Time) map[string]string {
	bits := uint32(mode.Perm()) | bitsFile
	if mode.IsDir() {
		bits = uint32(mode.Perm()) | bitsFolder
	}
	for of, bit := range special {
		if mode&of != 0 {
			bits |= bit
		}
	}
	return map[string]string{
		keyTime: formatTime(modified),
		keyMode: strconv.FormatUint(uint64(bits), 10),
	}
}

// attributes are the mode and time of an object: what metadata has kept, or what is usual for one that somebody else has made.
func attributes(object minio.ObjectInfo, folder bool) (fs.FileMode, time.Time) {
	mode, kind, bitsKind := fs.FileMode(0o644), fs.FileMode(0), uint64(bitsFile)
	if folder {
		mode, kind, bitsKind = 0o755, fs.ModeDir, bitsFolder
	}
	var kept struct{ time, mode string }
	for key, value := range object.UserMetadata { // whose keys come in any case
		switch {
		case strings.EqualFold(key, keyTime):
			kept.time = value
		case strings.EqualFold(key, keyMode):
			kept.mode = value
		}
	}
	if bits, err := strconv.ParseUint(kept.mode, 0, 32); err == nil && (bits&bitsType == bitsKind || bits&bitsType == 0) {
		mode = fs.FileMode(bits) & fs.ModePerm
		for of, bit := range special {
			if uint32(bits)&bit != 0 {
				mode |= of
			}
		}
	}
	modified, known := parseTime(kept.time)
	if !known {
		modified = object.LastModified
	}
	return mode | kind, modified
}

// formatTime writes seconds since the epoch with a fraction.
func formatTime(t time.Time) string {
	seconds, nanos, sign := t.Unix(), t.Nanosecond(), ""
	if seconds < 0 { // where the clock counts up from the second before
		seconds, sign = -seconds, "-"
		if nanos > 0 {
			seconds, nanos = seconds-1, int(time.Second)-nanos
		}
	}
	return fmt.Sprintf("%s%d.%09d", sign, seconds, nanos)
}

var timeForm = regexp.MustCompile(`^(-?)([0-9]{1,12})(?:\.([0-9]{1,9})[0-9]*)?$`)

// parseTime reads seconds since the epoch, with a fraction or without one.
func parseTime(text string) (t time.Time, ok bool) {
	found := timeForm.FindStringSubmatch(text)
	if found == nil {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseInt(found[2], 10, 64)
	nanos, fractionErr := strconv.ParseInt((found[3] + "000000000")[:9], 10, 64)
	if found[1] != "" {
		seconds, nanos = -seconds, -nanos
	}
	return time.Unix(seconds, nanos), errors.Join(err, fractionErr) == nil
}
