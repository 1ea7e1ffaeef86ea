package setting

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	folder := filepath.Join(dir, "hunter22")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KPKG_TEST_PIN", "1234\n")
	for _, test := range []struct {
		name string
		arg  string
		want Setting
		err  string
	}{
		{"plain", "a=b", Setting{"a", "b", false}, ""},
		{"empty", "a=", Setting{"a", "", false}, ""},
		{"equals signs", "a=b=c", Setting{"a", "b=c", false}, ""},
		{"@ and $ inside", "a=b@c$d", Setting{"a", "b@c$d", false}, ""},
		{"file", "a=@" + file("lf", "secret\n"), Setting{"a", "secret", true}, ""},
		{"file of Windows", "a=@" + file("crlf", "secret\r\n"), Setting{"a", "secret", true}, ""},
		{"one newline is cut", "a=@" + file("two", "x\n\n"), Setting{"a", "x\n", true}, ""},
		{"variable, as it is", "a=$KPKG_TEST_PIN", Setting{"a", "1234\n", true}, ""},
		{"no key", "=hunter22", Setting{}, "not of the form KEY=VALUE"},
		{"no value", "hunter22", Setting{}, "not of the form KEY=VALUE"},
		{"no variable", "a=$hunter22", Setting{}, "a: there is no environment variable of the name after the $; give"},
		{"no file", "a=@hunter22", Setting{}, "a: cannot read the file after the @: "},
		{"no variable of a name", "a=$NO_PASSWORD", Setting{}, "a: there is no environment variable NO_PASSWORD"},
		{"no file of a name", "a=@" + filepath.Join(dir, "pass.txt"), Setting{}, "pass.txt: no such file or directory"},
		{"a folder", "a=@" + folder, Setting{}, "a: cannot read the file after the @: "},
		{"braces", "a=${NO_PASSWORD}", Setting{}, "a: write $NO_PASSWORD: braces are the shell's"},
		{"a home", "a=@~/pass.txt", Setting{}, "a: write @$HOME/pass.txt: "},
		{"largest file", "a=@" + file("largest", strings.Repeat("x", maxFile)),
			Setting{"a", strings.Repeat("x", maxFile), true}, ""},
		{"large file", "a=@" + file("hunter22 too", strings.Repeat("x", maxFile+1)), Setting{}, "it is larger than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(t.Context(), test.arg)
			if test.err == "" {
				if err != nil || got != test.want {
					t.Errorf("got %+.100v and error %v, want %+.100v", got, err, test.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Fatalf("error %v, want %q", err, test.err)
			}
			if strings.Contains(err.Error(), "hunter22") {
				t.Errorf("the error repeats a value: %v", err)
			}
		})
	}
}
