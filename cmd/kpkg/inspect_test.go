package main

import (
	"bytes"
	"testing"
)

// TestModules prints the modules of a program as wide as the terminal is.
func TestModules(t *testing.T) {
	modules := [][3]string{
		{"4.6 MiB", "(tables, data)", ""}, {"2.3 MiB", "std", "go1.26.8"}, {"98 KiB", "example.org/日本/module", "v0.0.0 => ../.. (devel)"},
		{"", "example.org/m", "v1.5.1-0.20230307220236-3a3c6141e376"},
	}
	for columns, want := range map[int]string{
		0: "     4.6 MiB  (tables, data)\n" +
			"     2.3 MiB  std                      go1.26.8\n" +
			"      98 KiB  example.org/日本/module  v0.0.0 => ../.. (devel)\n" +
			"              example.org/m            v1.5.1-0.20230307220236-3a3c6141e376\n",
		64: "     4.6 MiB  (tables, data)\n" +
			"     2.3 MiB  std                      go1.26.8\n" +
			"      98 KiB  example.org/日本/module  v0.0.0 => ../.. (devel)\n" +
			"              example.org/m\n" +
			"                v1.5.1-0.20230307220236-3a3c6141e376\n",
		40: "     4.6 MiB  (tables, data)\n" +
			"     2.3 MiB  std  go1.26.8\n" +
			"      98 KiB  example.org/日本/module\n" +
			"                v0.0.0 => ../.. (devel)\n" +
			"              example.org/m\n" +
			"                v1.5.1-0.20230307220236-3a3c6141e376\n",
	} {
		var out bytes.Buffer
		if err := printModules(&out, modules, columns); err != nil || out.String() != want {
			t.Errorf("%d columns:\n%s%v", columns, out.String(), err)
		}
	}
}
