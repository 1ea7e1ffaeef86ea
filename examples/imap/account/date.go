package account

import (
	"net/mail"
	"strings"
	"time"
)

// dateLayouts are how servers write internal dates: as RFC 9051, section 9 has it, or not.
var dateLayouts = []string{
	"_2-Jan-2006 15:04:05 -0700",
	"_2-Jan-2006 15:04:05 -07:00",
	"_2-Jan-2006 15:04:05 MST",
	"_2-Jan-2006 15:04:05",
	"_2-Jan-06 15:04:05 -0700",
	"_2-Jan-2006 15:04 -0700",
	"_2-Jan-2006",
	time.RFC3339,
	"2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05",
	time.ANSIC,
	time.UnixDate,
}

// parseDate reads an internal date. What cannot be read, or is beyond the times that files have, gives the zero time.
func parseDate(text string) time.Time {
	text = strings.Join(strings.Fields(text), " ")
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return possible(t)
		}
	}
	if t, err := mail.ParseDate(text); err == nil {
		return possible(t)
	}
	return time.Time{}
}

// possible keeps to what counts in nanoseconds since 1970 in 64 bits.
func possible(t time.Time) time.Time {
	if t.Year() < 1678 || t.Year() > 2261 {
		return time.Time{}
	}
	return t
}
