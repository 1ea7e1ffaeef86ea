package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/PlakarKorp/kpkg/schema"
)

// TestHelp holds the page of every command to 80 columns, an example and names for the values of its flags.
func TestHelp(t *testing.T) {
	eachCommand(newRootCommand(), func(cmd *cobra.Command) {
		var page bytes.Buffer
		cmd.SetOut(&page)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(page.String(), "\n") {
			if len(line) > helpWidth {
				t.Errorf("%s: %d columns: %s", cmd.CommandPath(), len(line), line)
			}
		}
		generated := strings.HasPrefix(cmd.CommandPath(), "kpkg completion") // by cobra
		if cmd.Example == "" && !cmd.HasSubCommands() && !generated {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name, _ := pflag.UnquoteUsage(f)
			if name != "" && name != strings.ToUpper(name) {
				t.Errorf("%s --%s %s: its value has no name", cmd.CommandPath(), f.Name, name)
			}
		})
	})
}

// TestCompletion asks for values as a shell does.
func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"create --platform ":             "windows/amd64",
		"create --compression ":          "gzip",
		"verify --format ":               "junit",
		"explain protocol-b":             "protocol-builtin",
		"test --only plugin-st":          "plugin-starts",
		"verify ":                        "ptar\n:8", // files of that extension
		"validate ../../examples/ftp/ma": "manifest.yaml",
		"create --out-dir ":              ":16", // folders
		"validate --color ":              "always",
		"comp":                           "completion",
	} {
		root := newRootCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		fields := strings.Split(line, " ")
		root.SetArgs(append([]string{"__complete"}, fields...))
		if err := root.Execute(); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%q: %v, %q has no %q", line, err, out.String(), want)
		}
	}
}

// TestTable leaves columns out where the terminal is narrow, and cuts the last.
func TestTable(t *testing.T) {
	sample := table{columns: []column{{"A", 0, false}, {"SIZE", 2, true}, {"B", 1, false}, {"FILE", 0, false}}}
	sample.add("linux", "1 KiB", "built", "dist/file.ptar")
	for columns, want := range map[int]string{
		0:  "A       SIZE  B      FILE\nlinux  1 KiB  built  dist/file.ptar\n",
		30: "A      B      FILE\nlinux  built  dist/file.ptar\n",
		22: "A      FILE\nlinux  dist/file.ptar\n",
		16: "A      FILE\nlinux  ...e.ptar\n",
	} {
		var out bytes.Buffer
		if err := sample.write(&out, columns); err != nil || out.String() != want {
			t.Errorf("%d columns: %q, %v", columns, out.String(), err)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for use, want := range map[string]struct {
		needed string
		most   int
	}{
		"ls FILE":                               {"FILE", 1},
		"create [MANIFEST...] [VERSION]":        {"", -1},
		"verify PACKAGE...":                     {"PACKAGE", -1},
		"explain [RULE]":                        {"", 1},
		"backup PACKAGE LOCATION [K=V...] -o F": {"PACKAGE LOCATION", -1},
		"schema":                                {"", 0},
	} {
		if needed, most := placeholders(use); strings.Join(needed, " ") != want.needed || most != want.most {
			t.Errorf("%s: %q, %d", use, needed, most)
		}
	}
}

// TestPrograms finds a report in JSON with every command, in the schema of reports too, but for those that print something of
// their own, or nothing.
func TestPrograms(t *testing.T) {
	own := []string{
		"kpkg cat", "kpkg help", "kpkg keygen", "kpkg manual", "kpkg schema", "kpkg serve", "kpkg sign",
		"kpkg trust add", "kpkg trust remove", "kpkg uninstall",
	}
	eachCommand(newRootCommand(), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.HasSubCommands() || strings.HasPrefix(path, "kpkg completion") || slices.Contains(own, path) {
			return
		}
		if cmd.Flags().Lookup("format") == nil {
			t.Errorf("%s has no --format", path)
		}
		if name := `"` + strings.TrimPrefix(path, "kpkg ") + `"`; !bytes.Contains(schema.Report, []byte(name)) {
			t.Errorf("the schema of reports has no %s", name)
		}
	})
}

// TestWithin leaves room for the ^C that a terminal shows.
func TestWithin(t *testing.T) {
	line := "copying: 0 files, 5 folders, 1.0 GiB in 2.5s"
	for columns, want := range map[int]string{0: line, 80: line, 40: "copying: 0 files, 5 folders, 1.0 G...", 2: ellipsis} {
		if got := within(line, columns); got != want {
			t.Errorf("%d columns: %q", columns, got)
		}
	}
}
