package conformance_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/conformance"
)

// settings is a folder with a SettingsName.
func settings(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{conformance.SettingsName: content, "secret.txt": "hunter22\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSettings(t *testing.T) {
	t.Setenv("KPKG_TEST_PIN", "1234")
	dir := settings(t, `
importer:ftp:
  config: {location: "ftp://localhost/pub", port: 21, passive: true, password: "@secret.txt", pin: $KPKG_TEST_PIN}
exporter:imap:
  config: {location: "imap://localhost"}
  sample: testdata/mail
storage:imap:
  config: {root: "kpkg-{unique}"}
  single_file: true
importer:zip:
  config: {location: "zip:testdata/a.zip"}
secret_provider:age:
  handle: db
`)
	s, err := conformance.ReadSettings(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"exporter:imap", "importer:ftp", "importer:zip", "secret_provider:age", "storage:imap"}; !slices.Equal(s.Connectors(), want) {
		t.Errorf("got %q, want %q", s.Connectors(), want)
	}
	got, err := s.Apply(conformance.Config{
		Type: conformance.Importer, Protocol: "ftp", Settings: map[string]string{"location": "ftp://elsewhere"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"location": "ftp://elsewhere", "port": "21", "passive": "true", "password": "hunter22", "pin": "1234",
	}
	slices.Sort(got.Secrets)
	if !maps.Equal(got.Settings, want) || !slices.Equal(got.Secrets, []string{"1234", "hunter22"}) {
		t.Errorf("got %q and secrets %q", got.Settings, got.Secrets)
	}
	if got, err = s.Apply(conformance.Config{Type: conformance.Exporter, Protocol: "imap"}); err != nil ||
		got.Sample != filepath.Join(dir, "testdata", "mail") {
		t.Errorf("got sample %q and error %v", got.Sample, err)
	}
	if got, err = s.Apply(conformance.Config{Type: conformance.Storage, Protocol: "imap"}); err != nil ||
		got.Settings["root"] != "kpkg-{unique}" || !got.SingleFile {
		t.Errorf("got %q and error %v", got.Settings, err)
	}
	if got, err = s.Apply(conformance.Config{Type: conformance.SecretProvider, Protocol: "age"}); err != nil || got.Handle != "db" {
		t.Errorf("got handle %q and error %v", got.Handle, err)
	}
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"localfs"}, "zip://" + filepath.Join(dir, "testdata", "a.zip")},
		{nil, "zip://testdata/a.zip"}, // of another machine: no path of this one
	} {
		got, err = s.Apply(conformance.Config{Type: conformance.Importer, Protocol: "zip", LocationFlags: test.flags})
		if err != nil || got.Settings["location"] != test.want {
			t.Errorf("with flags %q: got %q and error %v, want %s", test.flags, got.Settings, err, test.want)
		}
	}
	if got, err = s.Apply(conformance.Config{Type: conformance.Storage, Protocol: "ftp"}); err != nil || got.Settings != nil {
		t.Errorf("of another connector: got %q and error %v", got.Settings, err)
	}
}

func TestWrongSettings(t *testing.T) {
	if s, err := conformance.ReadSettings(t.TempDir()); err != nil || len(s.Connectors()) > 0 {
		t.Errorf("without a file: %v, %v", s.Connectors(), err)
	}
	for content, want := range map[string]string{
		"":                                   "",
		"ftp: {}":                            "as in importer:ftp",
		"importer:ftp: {password: hunter22}": "importer:ftp: a connector has the keys config, sample, single_file and handle alone",
		"importer:ftp: {config: [hunter22]}": "importer:ftp.config: it holds settings, KEY: VALUE each",
		"importer:ftp: {config: {a: [hunter22]}}": "importer:ftp.config.a: a setting is text, a number, true or false",
		"importer:ftp: {sample: ''}":              "importer:ftp.sample: it is the name of a folder",
		"importer:ftp: {single_file: hunter22}":   "importer:ftp.single_file: it is true or false",
		"secret_provider:x: {handle: 5}":          "secret_provider:x.handle: it is a handle, as text",
		"importer:ftp: hunter22":                  "importer:ftp: a connector has config and sample below it",
		"- hunter22":                              "it names connectors, as in importer:ftp:",
		"a: b: hunter22":                          "line 1, column 5: from here on it is no YAML",
		"a: 1\na: hunter22":                       "line 2, column 1: this key is there already",
		"#" + strings.Repeat("x", 1<<20):          "larger than 262144 bytes",
	} {
		_, err := conformance.ReadSettings(settings(t, content))
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", content, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter22") {
			t.Errorf("the error repeats a value: %v", err)
		}
	}
	for value, want := range map[string]string{
		"$KPKG_TEST_NONE": "importer:ftp: password: there is no environment variable KPKG_TEST_NONE", "@/dev/zero": "it is a character device",
		"@.": "it is a folder",
	} {
		s, err := conformance.ReadSettings(settings(t, "importer:ftp: {config: {password: '"+value+"'}}"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Apply(conformance.Config{Type: conformance.Importer, Protocol: "ftp"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
