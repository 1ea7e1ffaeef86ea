package connector

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// date is a time in a line of ls, and where it ends there.
type date struct {
	modified time.Time
	end      int
}

var (
	day       = regexp.MustCompile(`^(\d{1,2})[.,]?$`)
	year      = regexp.MustCompile(`^\d{4,}$`)
	clock     = regexp.MustCompile(`^(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?$`)
	zone      = regexp.MustCompile(`^[-+]\d{4}$`)
	monthDay  = regexp.MustCompile(`^(\d\d)-(\d\d)$`)
	threePart = regexp.MustCompile(`^(\d{1,4})([-/.])(\d{1,2})([-/.])(\d{1,4})$`)
	dayMonth  = regexp.MustCompile(`^(\d{1,2})-(\pL{3})-(\d{2}|\d{4})$`)
)

// parseDate reads the date with which words begin:
//
//	Jan 25 00:17          Jan 25 2017           Oct 08, 2002 09:47      Jan 25 00:17:33 2017
//	25 Jan 00:17          25. Jan. 2017         01-jun-99
//	2005-06-07 21:22      2005-06-07 21:22:33.000000000 +0200           24-04-2003 17:12
//	09-26 13:45           09-26 2000
//
// A date without a year is the latest that is not in the future.
func parseDate(words []word, now time.Time) (date, bool) {
	if len(words) < 2 {
		return date{}, false
	}
	first, second := words[0].text, words[1].text
	if m := monthDay.FindStringSubmatch(first); m != nil {
		return parseYearOrClock(words[1:], now, time.Month(number(m[1])), number(m[2]))
	}
	if m := dayMonth.FindStringSubmatch(first); m != nil && months[strings.ToLower(m[2])] != 0 {
		modified, ok := newTime(fullYear(m[3]), months[strings.ToLower(m[2])], number(m[1]), nil)
		return date{orNow(modified, ok, now), words[0].end}, true
	}
	if m := threePart.FindStringSubmatch(first); m != nil && m[2] == m[4] {
		at := clock.FindStringSubmatch(second)
		if at == nil {
			return date{}, false
		}
		modified, ok := readNumbers(m[1], m[3], m[5], at, yearFirst, monthFirst, dayFirst)
		end := words[1].end
		if len(words) > 2 && at[3] != "" && zone.MatchString(words[2].text) {
			end = words[2].end
			hours, minutes := number(words[2].text[:3]), number(words[2].text[:1]+words[2].text[3:])
			modified = modified.Add(-time.Duration(hours)*time.Hour - time.Duration(minutes)*time.Minute)
		}
		return date{orNow(modified, ok, now), end}, true
	}
	month, d := monthOf(first), day.FindStringSubmatch(second)
	if month == 0 {
		month, d = monthOf(second), day.FindStringSubmatch(first)
	}
	if month == 0 || d == nil {
		return date{}, false
	}
	// "Oct 08, 2002 09:47" has both a year and a time.
	if len(words) > 3 && strings.HasSuffix(second, ",") && year.MatchString(words[2].text) {
		if at := clock.FindStringSubmatch(words[3].text); at != nil {
			modified, ok := newTime(number(words[2].text), month, number(d[1]), at)
			return date{orNow(modified, ok, now), words[3].end}, true
		}
	}
	return parseYearOrClock(words[2:], now, month, number(d[1]))
}

// parseYearOrClock reads what follows a month and a day.
func parseYearOrClock(words []word, now time.Time, month time.Month, day int) (date, bool) {
	if len(words) == 0 {
		return date{}, false
	}
	first := words[0]
	if year.MatchString(first.text) {
		modified, ok := newTime(number(first.text), month, day, nil)
		return date{orNow(modified, ok, now), first.end}, true
	}
	at := clock.FindStringSubmatch(first.text)
	if at == nil {
		return date{}, false
	}
	if at[3] != "" && len(words) > 1 && year.MatchString(words[1].text) { // ls -lT of BSD
		modified, ok := newTime(number(words[1].text), month, day, at)
		return date{orNow(modified, ok, now), words[1].end}, true
	}
	return date{recent(now, month, day, at), first.end}, true
}

// recent is the latest such time that is not in the future, by more than clocks and time zones explain.
func recent(now time.Time, month time.Month, day int, at []string) time.Time {
	latest := now.Add(24 * time.Hour)
	for y := latest.Year(); y > latest.Year()-9; y-- { // as far apart as leap years can be
		if t, ok := newTime(y, month, day, at); ok && !t.After(latest) {
			return t
		}
	}
	return now
}

// order is that of the numbers of a date.
type order int

const (
	yearFirst order = iota
	monthFirst
	dayFirst
)

// readNumbers reads a date of three numbers in the one order that gives a date. Nothing is guessed if several do.
func readNumbers(a, b, c string, at []string, orders ...order) (time.Time, bool) {
	var found time.Time
	for _, order := range orders {
		y, m, d := c, a, b
		switch {
		case order == yearFirst:
			y, m, d = a, b, c
		case order == dayFirst:
			m, d = b, a
		}
		if len(m) > 2 || len(d) > 2 || len(y) < 2 {
			continue
		}
		t, ok := newTime(fullYear(y), time.Month(number(m)), number(d), at)
		if !ok || t.Equal(found) {
			continue
		}
		if !found.IsZero() {
			return time.Time{}, false
		}
		found = t
	}
	return found, !found.IsZero()
}

// fullYear takes years of two digits for those around 2000, and of three for the years since 1900, as servers count that
// never heard of 2000.
func fullYear(text string) int {
	y := number(text)
	switch {
	case len(text) == 3:
		return y + 1900
	case len(text) < 3 && y < 70:
		return y + 2000
	case len(text) < 3:
		return y + 1900
	}
	return y
}

// newTime is false for a date that no calendar has, or a year that no snapshot holds. at is a match of clock, nil for
// midnight.
func newTime(y int, month time.Month, day int, at []string) (time.Time, bool) {
	hour, minute, second := 0, 0, 0
	if at != nil {
		hour, minute = number(at[1]), number(at[2])
		if at[3] != "" {
			second = number(at[3])
		}
	}
	t := time.Date(y, month, day, 0, 0, 0, 0, time.UTC)
	if !isYear(y) || t.Month() != month || t.Day() != day || hour > 24 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	return t.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second), true
}

// isYear reports whether a snapshot holds times of that year.
func isYear(y int) bool { return y >= 1 && y <= 9999 }

func orNow(t time.Time, ok bool, now time.Time) time.Time {
	if !ok || !isYear(t.Year()) { // a zone may lead into another year
		return now
	}
	return t
}

// number reads digits; what does not fit is no number that a date has.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

func monthOf(text string) time.Month {
	return months[strings.ToLower(strings.TrimRight(text, ".,"))]
}

// months are how ls and others abbreviate months: in English, and in languages that servers are often set to.
var months = func() map[string]time.Month {
	names := make(map[string]time.Month)
	for _, language := range []string{
		"jan feb mar apr may jun jul aug sep oct nov dec",
		"january february march april may june july august sept october november december",
		"jan feb mär apr mai juni juli aug sep okt nov dez", // German
		"jän febr mrz april mai jun jul aug sept okt nov dez",
		"januar februar märz april mai juni juli august september oktober november dezember",
		"janv févr mars avr mai juin juil août sept oct nov déc", // French
		"jan fév mars avril mai juin juillet aou sep oct nov déc",
		"ene feb mar abr may jun jul ago sep oct nov dic", // Spanish
		"gen feb mar apr mag giu lug ago set ott nov dic", // Italian
		"jan fev mar abr mai jun jul ago set out nov dez", // Portuguese
		"jan feb mrt apr mei jun jul aug sep okt nov dec", // Dutch
	} {
		for i, name := range strings.Fields(language) {
			names[name] = time.Month(i + 1)
		}
	}
	return names
}()
