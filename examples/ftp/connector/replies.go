package connector

import (
	"bytes"
	"net/textproto"
	"strconv"
)

// replies sees what passes over a control connection and keeps the last reply: the library keeps some codes and the
// words of success to itself. It holds no command, and so no password.
type replies struct {
	line []byte // that has not ended yet
	code int
	text string
}

// maxReply bounds how much of a line is kept, in bytes.
const maxReply = 1024

func (r *replies) Write(p []byte) (int, error) {
	for part := range bytes.Lines(p) {
		r.line = append(r.line, part[:min(len(part), maxReply-len(r.line))]...)
		if part[len(part)-1] == '\n' {
			r.keep(string(bytes.TrimRight(r.line, "\r\n")))
			r.line = r.line[:0]
		}
	}
	return len(p), nil
}

// keep takes the last line of a reply, "226 done": those before it have a "-" after the code (RFC 959, section 4.2).
func (r *replies) keep(line string) {
	if len(line) < 4 || line[3] != ' ' {
		return
	}
	if code, err := strconv.Atoi(line[:3]); err == nil && code >= 100 {
		r.code, r.text = code, line[4:]
	}
}

// refusal is the last reply, if it refuses something.
func (r *replies) refusal() *textproto.Error {
	if r.code < 400 {
		return nil
	}
	return &textproto.Error{Code: r.code, Msg: r.text}
}
