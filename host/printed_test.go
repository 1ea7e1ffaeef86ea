package host

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loud is a program, and no plugin, whose packages print as the environment wants it.
var loud = map[string]string{
	"go.mod":     "module example.org/loud\n\ngo 1.24\n",
	"first/p.go": "package first\nimport (\"fmt\"; \"os\")\nfunc init() { fmt.Fprintln(os.Stderr, \"first is here\") }\n",
	"second/p.go": "package second\nimport (\"fmt\"; \"os\"; _ \"example.org/loud/first\")\n" +
		"func init() { fmt.Print(os.Getenv(\"SECOND\")) }\n",
	"third/p.go": "package third\nimport (\"fmt\"; \"os\"; \"strings\"; \"time\"; _ \"example.org/loud/second\")\n" +
		"func init() { fmt.Print(strings.ReplaceAll(os.Getenv(\"THIRD\"), \"TIME\", time.Now().String()[:25])) }\n",
	"main.go": "package main\nimport (\"fmt\"; \"os\"; \"time\"; _ \"example.org/loud/third\")\n" +
		"func main() { fmt.Println(os.Getenv(\"MAIN\")); time.Sleep(time.Minute) }\n",
}

// TestPrinter starts programs that print where the protocol should begin: the error names the package that did.
func TestPrinter(t *testing.T) {
	dir := t.TempDir()
	for name, content := range loud {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "loud.exe", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"a line":           {[]string{"SECOND=second is here\n"}, "printed by package example.org/loud/second, while"},
		"no line":          {[]string{"SECOND=second"}, "printed by package example.org/loud/second, while"},
		"with the time":    {[]string{"THIRD=time is TIME\n"}, "printed by package example.org/loud/third, while"},
		"the first of two": {[]string{"SECOND=\nsecond", "THIRD=third TIME"}, "printed by package example.org/loud/second, while"},
		"what both print":  {[]string{"SECOND=here\n", "THIRD=here TIME\n"}, "printed by package example.org/loud/second, while"},
		"with settings":    {[]string{"SECOND=x", "GODEBUG=http2client=0"}, "printed by package example.org/loud/second, while"},
		"main":             {[]string{"MAIN=hello"}, "printed by the program itself"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Start(t.Context(), filepath.Join(dir, "loud.exe"), Options{Env: test.env})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "it wrote ") {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
	t.Run("no Go", func(t *testing.T) {
		script := filepath.Join(dir, "script")
		if err := os.WriteFile(script, []byte("#!/bin/sh\necho hello\nsleep 60\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), script, Options{})
		if err == nil || !strings.Contains(err.Error(), `it wrote "hello"`) || strings.Contains(err.Error(), "printed by") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p := &Plugin{options: Options{Env: []string{"SECOND=x"}}}
		p.printer(ctx, filepath.Join(dir, "loud.exe"), "x") // returns
	})
}

func TestPrinterIn(t *testing.T) {
	line := func(name string) string { return "init " + name + " @0.012 ms, 0.001 ms clock, 512 bytes, 3 allocs\n" }
	c := "what runs before Go's own initialization, such as C code"
	for _, test := range []struct{ trace, text, want string }{
		{"", "hi", ""},
		{"hi\n", "hi\n", ""}, // of a Go that knows of no traces
		{"hi\n" + line("runtime") + line("a"), "hi\n", c},
		{line("runtime") + "hi\n" + line("a") + line("b"), "hi\n", "package a, while it was initialized, before main"},
		{line("runtime") + "hi" + line("a"), "hi", "package a, while it was initialized, before main"},
		{line("runtime") + "\r\nhi\r\nthere" + line("a"), "\r\nhi\r\n", "package a, while it was initialized, before main"},
		{line("runtime") + line("a") + "12:34 hi\n" + line("b"), "12:33 hi\n", "package b, while it was initialized, before main"},
		{line("runtime") + line("a"), "0", ""}, // which is in the lines alone
		{line("runtime") + line("a") + "hi", "hi", "the program itself, after all packages were initialized"},
		{line("runtime") + line("a") + "hi", "\n\n", ""},
		{line("runtime") + line("a"), "hi", ""},
		{line("runtime") + "hi there\n" + line("a") + "hi\n" + line("b"), "hi\n", "package b, while it was initialized, before main"},
		{line("runtime") + "hi" + line("a") + " there\n" + line("b"), "hi there\n",
			"package a, while it was initialized, before main"},
	} {
		if got := printerIn(test.trace, test.text); got != test.want {
			t.Errorf("%q in %q: %q, want %q", test.text, test.trace, got, test.want)
		}
	}
}
