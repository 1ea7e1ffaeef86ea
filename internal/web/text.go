package web

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// How much of a content is shown.
const (
	maxText  = 256 << 10 // bytes of a text
	maxRead  = 2 << 20   // bytes that are read of what is shown as a table or a tree
	maxRows  = 500
	maxCols  = 100  // of a row
	maxCell  = 1000 // bytes
	maxDepth = 200  // of JSON
	// maxIndented is how many bytes of indentation JSON is shown with.
	maxIndented = 1 << 20
)

// head is the beginning of a content, and whether that is all.
func head(c Content, limit int64) ([]byte, bool, error) {
	data := make([]byte, min(c.Size(), limit))
	if _, err := c.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	return data, c.Size() <= limit, nil
}

func failed(err error) View { return View{Kind: "none", Error: err.Error()} }

func showText(c Content) View {
	data, all, err := head(c, maxText)
	if err != nil {
		return failed(err)
	}
	if !all {
		for i := 0; i < utf8.UTFMax && len(data) > 0 && !utf8.Valid(data); i++ {
			data = data[:len(data)-1] // the end of a character
		}
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return View{Kind: "none"}
	}
	v := View{Kind: "text", Text: string(data)}
	if !all {
		v.Cut = fmt.Sprintf("the first %d KiB", maxText>>10)
	}
	return v
}

func showJSON(c Content) View {
	data, all, err := head(c, maxText)
	if err != nil {
		return failed(err)
	}
	var out bytes.Buffer
	deepest, indented := indentation(data)
	if !all || deepest > maxDepth || indented > maxIndented || json.Indent(&out, data, "", "  ") != nil || !utf8.Valid(data) {
		return showText(c)
	}
	return View{Kind: "text", Text: out.String()}
}

// indentation is how deep values are in each other, and how many spaces and line breaks it takes to show them so.
func indentation(data []byte) (deepest, indented int) {
	depth, quoted, escaped := 0, false, false
	for _, b := range data {
		switch {
		case escaped:
			escaped = false
		case b == '"':
			quoted = !quoted
		case quoted:
			escaped = b == '\\'
		case b == '{' || b == '[':
			depth++
			deepest = max(deepest, depth)
			indented += 2*depth + 1
		case b == '}' || b == ']':
			depth--
			indented += 2*max(depth, 0) + 1
		case b == ',':
			indented += 2*max(depth, 0) + 1
		}
	}
	return deepest, indented
}

func showCSV(c Content) View {
	data, all, err := head(c, maxRead)
	if err != nil {
		return failed(err)
	}
	if !utf8.Valid(data) && all || bytes.IndexByte(data, 0) >= 0 {
		return View{Kind: "none"}
	}
	first, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = ',', -1, true, true
	for _, comma := range []rune{';', '\t'} {
		if bytes.Count(first, []byte(string(comma))) > bytes.Count(first, []byte(string(r.Comma))) {
			r.Comma = comma
		}
	}
	var t Table
	v := View{Kind: "table"}
	for {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			v.Error = err.Error()
			break
		}
		if len(t.Rows) == maxRows {
			v.Cut = fmt.Sprintf("the first %d rows", maxRows)
			break
		}
		if len(record) > maxCols {
			v.Cut = fmt.Sprintf("the first %d columns", maxCols)
		}
		row := make([]string, 0, min(len(record), maxCols))
		for _, cell := range record[:min(len(record), maxCols)] {
			row = append(row, cutCell(cell))
		}
		if t.Columns == nil {
			t.Columns = row
			continue
		}
		t.Rows = append(t.Rows, row)
	}
	v.Tables = []Table{t}
	return v
}

func cutCell(s string) string {
	if len(s) <= maxCell {
		return string(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD")))
	}
	return string(bytes.ToValidUTF8([]byte(s[:maxCell]), nil)) + "..."
}
