package manifest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// maxPointerDepth bounds the JSON pointers kept; schemas of options are flat.
const maxPointerDepth = 32

// jsonOffsets maps the JSON pointer of every value of a document, down to maxPointerDepth, to its offset. The document has
// been decoded before, so that it is known to be well formed and not too deep to recurse into.
func jsonOffsets(data []byte) map[string]int {
	w := &jsonWalker{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), offsets: map[string]int{}}
	w.value("", 0)
	return w.offsets
}

type jsonWalker struct {
	data    []byte
	decoder *json.Decoder
	offsets map[string]int
}

// next is the next token, and the offset where it starts.
func (w *jsonWalker) next() (json.Token, int) {
	offset := int(w.decoder.InputOffset())
	offset += len(w.data[offset:]) - len(bytes.TrimLeft(w.data[offset:], " \t\r\n,:"))
	token, err := w.decoder.Token()
	if err != nil {
		return nil, offset
	}
	return token, offset
}

func (w *jsonWalker) value(pointer string, depth int) {
	token, offset := w.next()
	if depth <= maxPointerDepth {
		w.offsets[pointer] = offset
	} else {
		pointer = "" // not needed below
	}
	switch token {
	case json.Delim('{'):
		for w.decoder.More() {
			key, _ := w.next()
			name, _ := key.(string)
			w.value(pointer+"/"+escapePointer(name), depth+1)
		}
		w.next()
	case json.Delim('['):
		for i := 0; w.decoder.More(); i++ {
			w.value(pointer+"/"+strconv.Itoa(i), depth+1)
		}
		w.next()
	}
}

func joinPointer(steps []string) string {
	var pointer strings.Builder
	for _, step := range steps {
		pointer.WriteString("/" + escapePointer(step))
	}
	return pointer.String()
}

func escapePointer(step string) string {
	return strings.ReplaceAll(strings.ReplaceAll(step, "~", "~0"), "/", "~1")
}
