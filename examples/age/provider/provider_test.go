package provider

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// encrypted writes a file for the identity, and returns its path.
func encrypted(t *testing.T, identity *age.X25519Identity, content string, armored bool) string {
	t.Helper()
	var file bytes.Buffer
	var out io.Writer = &file
	closeArmor := func() error { return nil }
	if armored {
		w := armor.NewWriter(&file)
		out, closeArmor = w, w.Close
	}
	w, err := age.Encrypt(out, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, content)
	if err := errors.Join(err, w.Close(), closeArmor()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "my secrets.age")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func config(path, identity string) map[string]string {
	u := url.URL{Scheme: "age", Path: path}
	return map[string]string{"location": "age://" + u.EscapedPath(), "identity": identity}
}

func TestResolve(t *testing.T) {
	identity := newIdentity(t)
	for _, armored := range []bool{false, true} {
		path := encrypted(t, identity, `{"db/password": "s3same", "": "nobody's"}`, armored)
		p, err := New(t.Context(), config(path, "# created: today\n"+identity.String()+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if secret, err := p.Resolve(t.Context(), "db/password"); secret != "s3same" || err != nil {
			t.Errorf("%q, %v", secret, err)
		}
		for _, handle := range []string{"", "db", "db/password\n", path} {
			if secret, err := p.Resolve(t.Context(), handle); err == nil || strings.Contains(err.Error(), "s3same") {
				t.Errorf("%q: %q, %v", handle, secret, err)
			}
		}
		changed, err := os.ReadFile(encrypted(t, identity, `{"db/password": "changed"}`, armored))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if secret, err := p.Resolve(t.Context(), "db/password"); secret != "changed" || err != nil {
			t.Errorf("once it is changed: %q, %v", secret, err)
		}
		os.Remove(path)
		if _, err := p.Resolve(t.Context(), "db/password"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("once it is gone: %v", err)
		}
	}
}

func TestRefused(t *testing.T) {
	identity, other := newIdentity(t), newIdentity(t)
	good := encrypted(t, identity, `{"a": "s3same"}`, false)
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte(`{"a": "s3same"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config map[string]string
		want   string
	}{
		"no location":     {map[string]string{"identity": identity.String()}, "location"},
		"a host":          {map[string]string{"location": "age://host/a", "identity": identity.String()}, "location"},
		"no identity":     {config(good, ""), "identity is empty"},
		"nothing":         {nil, "identity is required; location is required"},
		"half a key":      {config(good, identity.String()[:40]), "identity"},
		"another's":       {config(good, other.String()), "decrypting"},
		"no file":         {config(good+"x", identity.String()), "no such file"},
		"not encrypted":   {config(plain, identity.String()), "decrypting"},
		"no JSON":         {config(encrypted(t, identity, "s3same", false), identity.String()), "does not hold JSON"},
		"numbers":         {config(encrypted(t, identity, `{"s3same": 1}`, true), identity.String()), "does not hold JSON"},
		"more than 1 MiB": {config(encrypted(t, identity, strings.Repeat(" ", maxFile+1), false), identity.String()), "more than"},
	} {
		_, err := New(t.Context(), test.config)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3same") || strings.Contains(err.Error(), "AGE-SECRET-KEY-1"+identity.String()[16:30])) {
			t.Errorf("%s: a secret is in %v", name, err)
		}
	}
}
