package try

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOrder(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a_v1.0.0_linux_amd64.ptar", "data.ptar", "plain"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		order Order
		args  string
		want  string
	}{
		{BackupOrder, "a_v1.0.0_linux_amd64.ptar ftp://host user=me", ""},
		{BackupOrder, "missing.ptar ftp:x", ""},
		{BackupOrder, "plain plain", ""}, // whose protocol is missing, which the package knows
		{BackupOrder, "", "PACKAGE is missing"},
		{BackupOrder, "plain", "LOCATION is missing"},
		{BackupOrder, "plain user=me", "LOCATION is missing"},
		{BackupOrder, "https://host/p.ptar ftp://host", ""},
		{BackupOrder, "https://host plain", "PACKAGE comes before LOCATION"},
		{RestoreOrder, "http://host/p.ptar http://host HTTP://host/d.ptar", ""},
		{RestoreOrder, "- http://host -", ""},
		{BackupOrder, "ftp://me:hunter22@host plain", "PACKAGE comes before LOCATION"},
		{BackupOrder, "a_v1.0.0_linux_amd64.ptar data.ptar ftp://host", "data.ptar is one file too many; does a * stand for several?"},
		{BackupOrder, "plain ftp://host a_v1.0.0_linux_amd64.ptar", "a_v1.0.0_linux_amd64.ptar is one file too many"},
		{BackupOrder, "plain ftp://host ftp://me:hunter22@host", "LOCATION is given twice; argument 3"},
		{RestoreOrder, "plain ftp://host data.ptar user=me", ""},
		{RestoreOrder, "plain data.ptar ftp://host", "LOCATION comes before FILE"},
		{RestoreOrder, "plain ftp://host", "FILE is missing"},
		{RestoreOrder, "plain ftp://host user=me", "FILE is missing"},
		{RestoreOrder, "ftp://host plain data.ptar", "PACKAGE comes before LOCATION"},
		{RestoreOrder, "ftp://host data.ptar plain", "PACKAGE comes before LOCATION"},
	} {
		err := test.order.Check(strings.Fields(test.args))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want %q", test.args, err, test.want)
		}
		if usage := (UsageError{}); err != nil && (!errors.As(err, &usage) || strings.Contains(err.Error(), "hunter22")) {
			t.Errorf("%q: error %v", test.args, err)
		}
	}
}

func TestCheckOutputName(t *testing.T) {
	for name, fine := range map[string]bool{
		"data.ptar": true, "./a=b.ptar": true, "folder/a=b": true, "-": false, "username=me": false, "tls=": false,
	} {
		if err := CheckOutput(name); (err == nil) != fine {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCheckOutput(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, content := range map[string]string{
		"source": "{}", "notes.txt": "a text", "empty": "", "cut.ptar": "_PLATAR_", "package.ptar": "_PLATAR_",
	} {
		if err := os.WriteFile(path(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("source", path("link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"new": "", "empty": "", "cut.ptar": "", "source": "is the source", "link": "not a regular file",
		"notes.txt": "no data file, and --force replaces no others", "package.ptar": "is the package",
	} {
		err := checkOutput(t.Context(), Options{
			Package: path("package.ptar"), Location: "jsonl://" + path("source"), Data: path(name), Force: true,
		})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
