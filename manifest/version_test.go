package manifest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/finding"
)

func TestNormalizeVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":          "v1.2.3",
		"0.1.0":           "v0.1.0",
		"1.0.0-rc.1":      "v1.0.0-rc.1",
		"1.0.0-a-b.0+c.d": "v1.0.0-a-b.0+c.d",
		"":                "",
		"v":               "",
		"1":               "",
		"1.10":            "",
		"v1.2":            "",
		"1.2.3.4":         "",
		"01.2.3":          "",
		"1.0.0-01":        "",
		"1.0.0-":          "",
		"1.0-a.b":         "",
		"V1.0.0":          "",
		"vv1.0.0":         "",
		" v1.0.0":         "",
		"latest":          "",
	} {
		got, err := NormalizeVersion(version)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("NormalizeVersion(%q) = %q, %v, want %q", version, got, err, want)
		}
		// The schema, for editors, and the code must not disagree.
		document := Read("manifest.yaml", []byte("version: '"+version+"'\n"))
		refused := false
		for _, f := range checked(t, document, CheckOptions{}) {
			refused = refused || f.Rule == "version"
		}
		if version != "" && refused != (want == "") {
			t.Errorf("the schema and NormalizeVersion disagree on %q", version)
		}
	}
}

// repository is a git repository with one commit and the tags.
func repository(t *testing.T, tags ...string) string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, output)
		}
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "x")
	for _, tag := range tags {
		git("tag", tag)
	}
	return dir
}

func TestResolveVersion(t *testing.T) {
	const (
		plain     = "name: ftp\n"
		versioned = "name: ftp\nversion: 1.0.0\n"
	)
	tests := map[string]struct {
		manifest, argument string
		tags               []string
		want               Version
		findings           []string
		err                string
	}{
		"argument": {manifest: plain, argument: "1.2.3", want: Version{"v1.2.3", FromArgument, false}},
		"manifest": {manifest: versioned, want: Version{"v1.0.0", FromManifest, false}},
		"tag":      {manifest: plain, tags: []string{"v2.0.0"}, want: Version{"v2.0.0", FromTag, true}},
		"latest tag": {
			manifest: plain, tags: []string{"v2.0.0-rc.1", "v2.0.0", "v1.9.0", "nightly", "v3"},
			want: Version{"v2.0.0", FromTag, true},
		},
		"own tag before the repository's": {
			manifest: plain, tags: []string{"v9.0.0", "ftp/v1.1.0", "sftp/v1.2.0", "ftp/1.3.0"},
			want: Version{"v1.1.0", FromTag, true},
		},
		"another's tag": {manifest: plain, tags: []string{"sftp/v1.2.0"}, err: ErrNoVersion.Error() + " vX.Y.Z"},
		"agreement": {
			manifest: versioned, argument: "v1.0.0", tags: []string{"v1.0.0"}, want: Version{"v1.0.0", FromArgument, true},
		},
		"agreement of the manifest": {manifest: versioned, tags: []string{"ftp/v1.0.0"}, want: Version{"v1.0.0", FromManifest, true}},
		"agreement with a lower tag": {
			manifest: plain, argument: "v1.0.0-rc.1", tags: []string{"v1.0.0-rc.1", "v1.0.0"},
			want: Version{"v1.0.0-rc.1", FromArgument, true},
		},
		"disagreement": {
			manifest: versioned, argument: "v1.0.1", tags: []string{"v1.0.2"}, want: Version{"v1.0.1", FromArgument, false},
			findings: []string{
				"manifest.yaml:2:10: warning: the git tag says v1.0.2, the argument v1.0.1 [version-mismatch]",
				"manifest.yaml:2:10: warning: the manifest says v1.0.0, the argument v1.0.1 [version-mismatch]",
			},
		},
		"bad argument": {
			manifest: versioned, argument: "1.0", err: `version from the argument: "1.0" is not a semantic version such as v1.2.3`,
		},
		"bad manifest": {
			manifest: "name: ftp\nversion: 1.10\n", tags: []string{"v1.10.0"},
			err: `version from the manifest: "1.10" is not a semantic version such as v1.2.3`,
		},
		"bad manifest unused": {
			manifest: "name: ftp\nversion: 1.10\n", argument: "v1.10.0", want: Version{"v1.10.0", FromArgument, false},
		},
		"none": {manifest: plain, err: ErrNoVersion.Error() + " vX.Y.Z"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := repository(t, test.tags...)
			document := Read("manifest.yaml", []byte(test.manifest))
			version, findings, err := ResolveVersion(t.Context(), dir, test.argument, document)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if version != test.want || message != test.err {
				t.Errorf("version %v, error %q; want %v, %q", version, message, test.want, test.err)
			}
			finding.Sort(findings)
			var got []string
			for _, f := range findings {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(test.findings, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResolveVersionInSubfolder(t *testing.T) {
	dir := filepath.Join(repository(t, "ftp/v1.1.0"), "ftp")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	version, _, err := ResolveVersion(t.Context(), dir, "", Read("manifest.yaml", []byte("name: ftp\n")))
	if err != nil || version != (Version{"v1.1.0", FromTag, true}) {
		t.Errorf("got %v, %v", version, err)
	}
}

// TestNoVersion says which tag is missing, and that a shallow clone may lack it.
func TestNoVersion(t *testing.T) {
	whole := repository(t, "sftp/v1.2.0")
	shallow := filepath.Join(t.TempDir(), "shallow")
	clone := exec.Command("git", "clone", "-q", "--depth", "1", "--no-tags", "file://"+whole, shallow)
	clone.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	if output, err := clone.CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, output)
	}
	document := Read("manifest.yaml", []byte("name: ftp\n"))
	for _, test := range []struct{ root, folder, want string }{
		{whole, ".", "tag the commit vX.Y.Z"},
		{whole, "ftp", "tag the commit ftp/vX.Y.Z"},
		{shallow, "ftp", "tag the commit ftp/vX.Y.Z; this is a shallow clone without tags: if there is one, fetch it with " +
			"git fetch --tags (actions/checkout: fetch-depth: 0)"},
	} {
		dir := filepath.Join(test.root, test.folder)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		_, _, err := ResolveVersion(t.Context(), dir, "", document)
		if !errors.Is(err, ErrNoVersion) || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("in %s: %v, want %q", test.folder, err, test.want)
		}
	}
}

// TestResolveVersionHermetic shows that neither a repository named by the environment nor its absence matters.
func TestResolveVersionHermetic(t *testing.T) {
	other := repository(t, "v6.6.6")
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	document := Read("manifest.yaml", []byte("name: ftp\n"))
	if version, _, err := ResolveVersion(t.Context(), t.TempDir(), "", document); !errors.Is(err, ErrNoVersion) {
		t.Errorf("outside a repository: %v, %v", version, err)
	}
	t.Setenv("PATH", t.TempDir())
	if version, _, err := ResolveVersion(t.Context(), other, "", document); !errors.Is(err, ErrNoVersion) {
		t.Errorf("without git: %v, %v", version, err)
	}
	if version, _, err := ResolveVersion(t.Context(), other, "1.0.0", document); err != nil || version.Value != "v1.0.0" {
		t.Errorf("without git, with an argument: %v, %v", version, err)
	}
}

func TestResolveVersionCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := ResolveVersion(ctx, t.TempDir(), "v1.0.0", Read("manifest.yaml", []byte("name: ftp\n")))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
