package modules

import (
	"bytes"
	"fmt"
	"strings"
)

// NoticeName is the file at a package's root with the licences of what its executables are made of.
const NoticeName = "NOTICE"

// noticeHead begins what Notice writes of the modules.
const noticeHead = "The executables are made of these Go modules:\n"

// Notice is the content of a NOTICE: what the integration itself has to say, then the modules, then the text of every licence
// once, with the modules that it is of. The same modules give the same text.
func Notice(own []byte, modules []Module) []byte {
	var b bytes.Buffer
	if len(own) > 0 {
		b.Write(bytes.TrimRight(own, "\n"))
		b.WriteString("\n\n")
	}
	b.WriteString(noticeHead + "\n")
	var order []string
	of := map[string][]string{} // the modules by the text of a licence
	for _, m := range modules {
		licence := m.Licence()
		name := m.Path + " " + m.Version
		said := licence.Expression()
		if said == "" {
			said = "its licence is not known"
		}
		fmt.Fprintf(&b, "    %s: %s\n", name, said)
		for _, text := range licence.Texts {
			content := string(bytes.TrimSpace(bytes.ReplaceAll(text.Content, []byte("\r\n"), []byte("\n"))))
			if content == "" {
				continue
			}
			if of[content] == nil {
				order = append(order, content)
			}
			of[content] = append(of[content], name)
		}
	}
	for _, content := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 80), strings.Join(of[content], "\n"), content)
	}
	return b.Bytes()
}

// IsNotice tells whether Notice has written a content.
func IsNotice(content []byte) bool { return bytes.Contains(content, []byte(noticeHead)) }
