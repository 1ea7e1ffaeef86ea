package connector

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

// dosLine is a line of DIR: date, time, what it is or its size, name.
var dosLine = regexp.MustCompile(`^ *(\d{1,4})([-/.])(\d{1,2})([-/.])(\d{2,4}) +` +
	`(\d{1,2}:\d\d(?::\d\d)?) ?([AaPp]?)\.?[Mm]?\.? +(<[A-Za-z]+>|\d[\d.,'\x{a0}\x{202f}]*) (.*)$`)

// dirPadding is how many blanks IIS writes between "<DIR>" and the name. What follows them belongs to the name.
const dirPadding = "         " // and one that dosLine takes

// parseDOS reads lines of DIR, as IIS and others write them:
//
//	08-07-15  07:50PM                  718 name
//	08-10-2015  02:04PM       <DIR>          name
//	2002-09-02  19:06                9,730 name
//
// A date of which both of the first numbers may be months has the month first, as IIS writes it whatever the language.
func parseDOS(line string, now time.Time) (entry, error) {
	m := dosLine.FindStringSubmatch(line)
	if m == nil || m[2] != m[4] {
		return entry{}, errOtherFormat
	}
	at := clock.FindStringSubmatch(m[6])
	modified, ok := time.Time{}, false
	for _, order := range []order{yearFirst, monthFirst, dayFirst} {
		if order == yearFirst && len(m[1]) < 3 || order != yearFirst && len(m[1]) > 2 {
			continue
		}
		if modified, ok = readNumbers(m[1], m[3], m[5], at, order); ok {
			break
		}
	}
	if ok {
		modified = twelveHours(modified, m[7])
	}
	modified = orNow(modified, ok, now)

	kind, name := m[8], m[9]
	if kind[0] != '<' {
		return newEntry(typeFile, name, parseSize(digits.ReplaceAllString(kind, "")), modified), nil
	}
	if padded, found := strings.CutPrefix(name, dirPadding); found {
		name = padded
	} else {
		name = strings.TrimLeft(name, " ")
	}
	switch strings.ToUpper(kind) {
	case "<DIR>":
		return newEntry(typeFolder, name, 0, modified), nil
	case "<SYMLINK>", "<SYMLINKD>", "<JUNCTION>":
		e := newEntry(typeLink, name, 0, modified)
		if open := strings.Index(name, " ["); open > 0 && strings.HasSuffix(name, "]") {
			if strings.Count(name, " [") > 1 {
				return entry{}, errors.New("nobody can tell the name of this symbolic link from its target")
			}
			e.info.Lname, e.target = name[:open], name[open+2:len(name)-1]
		}
		return e, nil
	}
	return newEntry(kind, name, 0, modified), nil
}

// digits are what is left of a number without what groups them.
var digits = regexp.MustCompile(`\D`)

// twelveHours adds half a day to what is past noon. half is "a", "p" or nothing.
func twelveHours(t time.Time, half string) time.Time {
	switch {
	case strings.EqualFold(half, "p") && t.Hour() < 12:
		return t.Add(12 * time.Hour)
	case strings.EqualFold(half, "a") && t.Hour() == 12:
		return t.Add(-12 * time.Hour)
	}
	return t
}
