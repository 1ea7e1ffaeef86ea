package manifest

import (
	"fmt"
	"testing"
)

func TestPosition(t *testing.T) {
	const text = "\ufeff# manifest\r\n" + // line 1
		"name: ftp\r\n" +
		"'é è': {ü: x, protocols: [a, b]}\r\n" +
		"empty:\r\n" +
		"connectors:\r\n" +
		"- type: importer\r\n" +
		"  executable: \"ftpImporter\"\r\n" +
		"  protocols:\r\n" +
		"    - ftp\r\n" +
		"separators: \"\u2028 \u0085\"\r\n" +
		"after: x\r\n" +
		"base: &base {homepage: y}\r\n" +
		"alias: *base\r\n"
	document := Read("manifest.yaml", []byte(text))
	tests := []struct {
		path       []any
		value, key string
	}{
		{nil, "2:1", "2:1"},
		{[]any{"name"}, "2:7", "2:1"},
		{[]any{"é è", "ü"}, "3:15", "3:11"},
		{[]any{"é è", "protocols", 1}, "3:33", "3:33"},
		{[]any{"empty"}, "4:1", "4:1"},
		{[]any{"connectors"}, "5:1", "5:1"},
		{[]any{"connectors", 0}, "6:3", "6:3"},
		{[]any{"connectors", 0, "executable"}, "7:15", "7:3"},
		{[]any{"connectors", 0, "protocols", 0}, "9:7", "9:7"},
		{[]any{"after"}, "11:8", "11:1"},
		{[]any{"alias", "homepage"}, "12:24", "12:14"},
		// What is not there is where the nearest thing around it is.
		{[]any{"connectors", 0, "validator"}, "6:3", "6:3"},
		{[]any{"connectors", 0, "protocols", 7}, "8:3", "8:3"},
		{[]any{"connectors", 1, "type"}, "5:1", "5:1"},
		{[]any{"name", "x"}, "2:7", "2:7"},
		{[]any{"absent"}, "0:0", "0:0"},
	}
	for _, test := range tests {
		line, column := document.Position(test.path...)
		if got := fmt.Sprintf("%d:%d", line, column); got != test.value {
			t.Errorf("Position(%v) = %s, want %s", test.path, got, test.value)
		}
		line, column = document.keyPosition(test.path...)
		if got := fmt.Sprintf("%d:%d", line, column); got != test.key {
			t.Errorf("keyPosition(%v) = %s, want %s", test.path, got, test.key)
		}
	}
	if line, column := Read("manifest.yaml", nil).Position("name"); line != 0 || column != 0 {
		t.Errorf("Position in nothing = %d:%d", line, column)
	}
}
