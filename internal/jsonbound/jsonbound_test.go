package jsonbound

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

type connector struct {
	Type, Class, Subclass string
	Protocols             []struct {
		Scheme    string
		Validator json.RawMessage
	}
	Validator json.RawMessage
}

type entry struct {
	A, B, C, D, E, F, G, H, I, J, K, L, M, N string
	Tags                                     []string
	Connectors                               []connector
}

type list struct {
	Entries []struct {
		Entry entry
		Files []struct {
			Name, SHA256 string
			Size         int64
		}
		X, Y string
	}
	Integrations []entry
	Names        []string
}

// TestMemory decodes, as far as that is let through, what a mebibyte becomes most of, and weighs it.
func TestMemory(t *testing.T) {
	fill := func(before, repeated, after string) string {
		return before + strings.TrimSuffix(strings.Repeat(repeated+",", (1<<20)/(len(repeated)+1)), ",") + after
	}
	for name, text := range map[string]string{
		"entries":       fill(`{"integrations": [`, `{}`, `]}`),
		"versions":      fill(`{"entries": [`, `{}`, `]}`),
		"connectors":    fill(`{"integrations": [{"connectors": [`, `{}`, `]}]}`),
		"protocols":     fill(`{"integrations": [{"connectors": [{"protocols": [`, `{}`, `]}]}]}`),
		"files":         fill(`{"entries": [{"files": [`, `{}`, `]}]}`),
		"names":         fill(`{"names": [`, `""`, `]}`),
		"tags":          fill(`{"integrations": [{"tags": [`, `""`, `]}]}`),
		"keys":          fill(`{"integrations": [{`, `"x":{}`, `}]}`),
		"quoted braces": fill(`{"names": [`, `"{\"{"`, `]}`),
	} {
		t.Run(name, func(t *testing.T) {
			if !json.Valid([]byte(text)) {
				t.Fatal("it is no JSON")
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var kept list
			err := Unmarshal([]byte(text), &kept, 32<<20)
			runtime.GC()
			runtime.ReadMemStats(&after)
			if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > 40<<20 {
				t.Errorf("%d MiB are kept, %v", took>>20, err)
			}
			runtime.KeepAlive(kept)
		})
	}
}

// TestCheck lets through what an honest registry has, and what is only text.
func TestCheck(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "text": strings.Repeat("x", 1<<20), "a long string": `["` + strings.Repeat("{,", 1<<19) + `"]`,
		"deep schemas": `{"a":[{"b":[{"c":{"d":{` + strings.Repeat(`"p":{"type":["a","b"],"x":{}},`, 20_000) + `"z":1}}}]}]}`,
		"unbalanced":   strings.Repeat("}", 1<<16), "cut": `{"a`, "an escape": `"\`,
	} {
		if err := Check([]byte(text), 1<<20); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Check([]byte("["+strings.Repeat("{},", 1<<20)+"{}]"), MaxMemory); err == nil ||
		!strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("a million values: %v", err)
	}
}

// TestHonest lets through as many integrations as docs/limits.md promises.
func TestHonest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	text.WriteString(`{"integrations":[`)
	for i := range 20_000 {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"a":"integration %d","tags":["x","y"],"connectors":[`, i)
		for j := range 1 + random.IntN(3) {
			if j > 0 {
				text.WriteByte(',')
			}
			text.WriteString(`{"type":"importer","protocols":[{"scheme":"x"},{"scheme":"y"}],"validator":{"type":"object","properties":{"a":{}}}}`)
		}
		text.WriteString(`]}`)
	}
	text.WriteString(`]}`)
	var all list
	if err := Unmarshal([]byte(text.String()), &all, MaxMemory); err != nil || len(all.Integrations) != 20_000 {
		t.Errorf("%d integrations, %v", len(all.Integrations), err)
	}
}
