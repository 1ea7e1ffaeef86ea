package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/release"
)

func publicKey(t *testing.T) []byte {
	t.Helper()
	key, err := release.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	data, err := key.Public().Marshal("a key")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parsed(t *testing.T, text string) Scope {
	t.Helper()
	scope, err := ParseScope(text)
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

// TestScopes is by the table that the client's own tests have, and more.
func TestScopes(t *testing.T) {
	const root = "https://plakar.io/dist/plugins/kloset/"
	for _, test := range []struct {
		scope, place string
		want         bool
	}{
		{root, root, true},
		{root, root + "community/v1.1.0/s3/", true},
		{strings.TrimSuffix(root, "/"), root, true},
		{"https://plakar.io", root, true},
		{root, "https://plakar.io/dist/plugins/kloset-evil/", false},
		{"https://plakar.io/dist/plug/", "https://plakar.io/dist/plugins/", false},
		{root, "https://evil.io/dist/plugins/kloset/", false},
		{"https://plakar.io/", "https://evil.plakar.io/", false},
		{"https://plakar.io/", "https://notplakar.io/", false},
		{root, "http://plakar.io/dist/plugins/kloset/", false},
		{root + "community/", root, false},
		{"https://PLAKAR.IO/dist/", "https://plakar.io/dist/", true},
		{"https://plakar.io:443/dist/", "https://plakar.io/dist/", true},
		{"https://plakar.io:8443/dist/", "https://plakar.io/dist/", false},
		{"https://[::1]:8443/", "https://[::1]:8443/x", true},
		{"https://plakar.io/dist/", "https://u:p@plakar.io/dist/", false},
		{root, root + "../../../etc/", false},
		{root, root + "..%2f..%2fevil/", false},
		{Local, root, false},
		{root, Local, false},
		{Local, Local, true},
	} {
		if got := parsed(t, test.scope).Covers(test.place); got != test.want {
			t.Errorf("%s covers %s: %v", test.scope, test.place, got)
		}
	}
	for _, text := range []string{
		"", "Local", "ftp://plakar.io/", "file:///etc/", "https://", "https://u:p@h/", "https://h/?x=1", "https://h/#f", "plakar.io/dist/",
		"https://h/a%2fb", "https://h/%zz",
	} {
		if scope, err := ParseScope(text); err == nil {
			t.Errorf("%q is the scope %s", text, scope)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Error(err)
		}
	}
}

func TestFolder(t *testing.T) {
	folder := Folder(filepath.Join(t.TempDir(), "plakar", "trust"))
	if keys, err := folder.Keys(); err != nil || len(keys) > 0 {
		t.Errorf("no folder: %v, %v", keys, err)
	}
	acme, other := publicKey(t), publicKey(t)
	if _, err := folder.Add("here/acme.pub", acme, []Scope{parsed(t, "https://h/acme")}); err != nil {
		t.Fatal(err)
	}
	if key, err := folder.Add("again.pub", acme, []Scope{parsed(t, Local), parsed(t, "https://h/acme/")}); err != nil || key.Name != "acme" {
		t.Errorf("the same key under another name: %v, %v", key, err)
	}
	if data, err := os.ReadFile(folder.file("acme", scopeExtension)); err != nil || string(data) != "https://h/acme/\nlocal\n" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := folder.Add("acme.pub", other, nil); err == nil || !strings.Contains(err.Error(), "another key is trusted as acme") {
		t.Errorf("another key of the name: %v", err)
	}
	for _, name := range []string{".pub", ".hidden.pub", "a\nb.pub"} {
		if _, err := folder.Add(name, other, nil); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
	if _, err := folder.Add("other.pub", other, nil); err != nil {
		t.Fatal(err)
	}
	// As people write it.
	if err := os.WriteFile(folder.file("other", scopeExtension), []byte("# of the lab\n\n  https://h/lab  \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]int{"https://h/acme/community": 1, "https://h/lab/community": 1, "https://h/": 0, Local: 1} {
		if keys, err := folder.For(place); err != nil || len(keys) != want {
			t.Errorf("%s: %d keys, %v", place, len(keys), err)
		}
	}
	if err := os.WriteFile(folder.file("other", scopeExtension), []byte("https://h/lab\nnowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Keys(); err == nil || !strings.Contains(err.Error(), "other.scope:2: ") {
		t.Errorf("a line that is no scope: %v", err)
	}
	os.Remove(folder.file("other", scopeExtension))
	if _, err := folder.Remove("acm"); err == nil || !strings.Contains(err.Error(), `did you mean "acme"`) {
		t.Errorf("no key of the name: %v", err)
	}
	if _, err := folder.Remove("acme.pub"); err != nil {
		t.Error(err)
	}
	keys, err := folder.Keys()
	if err != nil || len(keys) != 1 || keys[0].Covers(Local) {
		t.Fatalf("%v, %v", keys, err)
	}
	if _, err := folder.Remove(keys[0].Public.ID.String()); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(string(folder)); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
