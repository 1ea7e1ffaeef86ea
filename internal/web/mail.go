package web

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path"
	"strings"

	"golang.org/x/net/html/charset"
)

const (
	maxMail  = 32 << 20 // bytes that are read of a mail
	maxParts = 100      // of a mail
	maxNest  = 8        // parts of a mail within parts
	// maxHeaders is how many bytes there may be of a mail before its text, and maxHeaderValue how much of one of them is decoded.
	maxHeaders     = 256 << 10
	maxHeaderValue = 4 << 10
	// maxBoundary is the longest line between parts; RFC 2046, 5.1.1.
	maxBoundary = 70
)

// Mail is a message: its headers, its text, and what is attached to it.
type Mail struct {
	Headers     []Header
	Text        string
	Attachments []Attachment
}

// Header is one that people read.
type Header struct{ Name, Value string }

// Attachment is a part of a message that is no text of it.
type Attachment struct {
	Number int
	Name   string
	Type   string
	Size   int
	data   []byte
}

var words = mime.WordDecoder{CharsetReader: charset.NewReaderLabel}

func showMail(c Content) View {
	m, cut, err := readMail(c)
	if err != nil {
		return showText(c)
	}
	return View{Kind: "mail", Mail: m, Cut: cut}
}

// MailPart is an attachment of a message by its number.
func MailPart(c Content, number int) (name string, data []byte, err error) {
	m, _, err := readMail(c)
	if err != nil {
		return "", nil, err
	}
	if number < 0 || number >= len(m.Attachments) {
		return "", nil, fmt.Errorf("the message has no attachment %d", number)
	}
	a := m.Attachments[number]
	return a.Name, a.data, nil
}

func readMail(c Content) (*Mail, string, error) {
	data, all, err := head(c, maxMail)
	if err != nil {
		return nil, "", err
	}
	if begin := data[:min(len(data), maxHeaders)]; !bytes.Contains(begin, []byte("\n\n")) && !bytes.Contains(begin, []byte("\n\r\n")) {
		return nil, "", errors.New("its headers have no end")
	}
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil, "", err
	}
	m := &Mail{}
	for _, name := range []string{"From", "To", "Cc", "Date", "Subject"} {
		if value := message.Header.Get(name); value != "" {
			m.Headers = append(m.Headers, Header{name, cutCell(decodedWords(value))})
		}
	}
	left := maxParts
	m.part(textHeader(message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), ""), message.Body, 0, &left)
	cut := ""
	if !all || left == 0 || len(m.Text) > maxText {
		cut = "the beginning of the message"
	}
	m.Text = m.Text[:min(len(m.Text), maxText)]
	m.Text = strings.ToValidUTF8(m.Text, "\uFFFD")
	return m, cut, nil
}

// partHeader is what decides how a part is shown.
type partHeader struct{ kind, encoding, disposition string }

func textHeader(kind, encoding, disposition string) partHeader {
	if kind == "" {
		kind = "text/plain"
	}
	return partHeader{kind, strings.ToLower(strings.TrimSpace(encoding)), disposition}
}

func (m *Mail) part(h partHeader, body io.Reader, depth int, left *int) {
	if *left == 0 {
		return
	}
	*left--
	kind, params, err := mime.ParseMediaType(h.kind[:min(len(h.kind), maxHeaderValue)])
	if err != nil {
		kind = "application/octet-stream"
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" && len(params["boundary"]) <= maxBoundary && depth < maxNest {
		parts := multipart.NewReader(body, params["boundary"])
		for *left > 0 {
			p, err := parts.NextRawPart()
			if err != nil {
				return
			}
			m.part(textHeader(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"),
				p.Header.Get("Content-Disposition")), p, depth+1, left)
		}
		return
	}
	switch h.encoding {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	disposition, names, _ := mime.ParseMediaType(h.disposition[:min(len(h.disposition), maxHeaderValue)])
	isText := kind == "text/plain" && disposition != "attachment"
	most := int64(maxMail)
	if isText {
		most = max(0, maxText+1-int64(len(m.Text)))
	}
	data, _ := io.ReadAll(io.LimitReader(body, most)) // what is broken ends there
	if isText {
		if decoded, err := charset.NewReaderLabel(params["charset"], bytes.NewReader(data)); err == nil && params["charset"] != "" {
			data, _ = io.ReadAll(io.LimitReader(decoded, maxText+1))
		}
		m.Text += string(data)
		return
	}
	name := names["filename"]
	if name == "" {
		name = params["name"]
	}
	name = decodedWords(name)
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	if name == "." || name == "/" {
		name = fmt.Sprintf("part-%d", len(m.Attachments)+1)
	}
	m.Attachments = append(m.Attachments, Attachment{len(m.Attachments), cutCell(name), cutCell(kind), len(data), data})
}

// decodedWords is a value of a header with what is encoded in it, or as it is; a long one is cut. Decoding takes time in the square of
// the length where an encoded word is not one.
func decodedWords(value string) string {
	value = value[:min(len(value), maxHeaderValue)]
	if decoded, err := words.DecodeHeader(value); err == nil {
		return decoded
	}
	return value
}
