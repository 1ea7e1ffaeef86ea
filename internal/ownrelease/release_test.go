package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/release"
)

// newRepository makes a repository with this tree as its one commit, which is tagged.
func newRepository(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	script := `mkdir -p "$1" && git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
	xargs -0 sh -c 'for f; do [ ! -f "$f" ] || printf "%s\0" "$f"; done' sh | tar -c --null -T - | tar -x -C "$1"
cd "$1" && git init -q -b main && git add . && git commit -qm all && git tag v1.2.3`
	c := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", script, "bash", dir)
	c.Dir = root
	c.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z", "GIT_CONFIG_GLOBAL="+os.DevNull)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestOwnRelease makes two releases, from repositories in folders of different names, under different settings, and compares all files.
func TestOwnRelease(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	if _, err := exec.LookPath("dpkg-deb"); err != nil && os.Getenv("CI") == "" {
		t.Skip("dpkg-deb is not installed, as it is where the project's own checks run")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "ours")
	public, err := release.WritePair(t.Context(), key, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for i, name := range []string{"one", "another folder"} {
		repository := filepath.Join(dir, name)
		newRepository(t, repository)
		t.Setenv("GOFLAGS", []string{"-buildvcs=false", "-tags=x"}[i])
		t.Setenv("GOAMD64", []string{"v1", "v3"}[i])
		opts := options{
			dir: repository, outDir: filepath.Join(dir, "out"+name), key: key + release.SecretExtension,
			platforms: []executable.Platform{executable.Host()},
		}
		if err := run(t.Context(), opts, io.Discard); err != nil {
			t.Fatal(err)
		}
		made = append(made, filepath.Join(opts.outDir, "kpkg_v1.2.3"))
		if entries, err := os.ReadDir(opts.outDir); err != nil || len(entries) != 1 {
			t.Errorf("beside the release are %v, %v", entries, err)
		}
		if err := run(t.Context(), opts, io.Discard); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("a second release into one folder: %v", err)
		}
	}
	entries, err := os.ReadDir(made[0])
	if err != nil || len(entries) < 6 {
		t.Fatalf("the release has %v, %v", entries, err)
	}
	for _, entry := range entries {
		file := filepath.Join(made[0], entry.Name())
		first, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(filepath.Join(made[1], entry.Name()))
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s is not the same in both releases: %v", entry.Name(), err)
		}
		if !strings.Contains(entry.Name(), release.SumExtension) {
			checkSigned(t, file, public)
		}
	}
	checkArchive(t, made[0])
	checkDebian(t, made[0])
}

// checkSigned holds a file to its sum, and that to its signature.
func checkSigned(t *testing.T, file string, key *release.PublicKey) {
	t.Helper()
	sum, err := release.SumFile(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file + release.SignatureExtension)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := release.ParseSignature(data)
	if err != nil || signature.Verify(key) != nil || string(signature.Message) != sum.String() {
		t.Errorf("the signature of %s: %v", file, err)
	}
}

// checkArchive unpacks the archive with tar, and asks the program in it what it is.
func checkArchive(t *testing.T, dir string) {
	host := executable.Host()
	archive := filepath.Join(dir, "kpkg_v1.2.3_"+host.OS+"_"+host.Arch+".tar.gz")
	to := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "tar", "-xzf", archive, "-C", to, "--strip-components=1").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"man/kpkg-try-backup.1", "completions/kpkg.bash", "completions/_kpkg", "LICENSE"} {
		info, err := os.Stat(filepath.Join(to, name))
		if err != nil || !info.ModTime().Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(to, "kpkg"), "version", "--format", "json").Output()
	var report struct {
		Versions []struct {
			Kpkg, Commit string
			Modified     bool
			Modules      []struct{ Path string }
		}
	}
	if err == nil {
		err = json.Unmarshal(out, &report)
	}
	if err != nil || len(report.Versions) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	v := report.Versions[0]
	if v.Kpkg != "v1.2.3" || len(v.Commit) != 40 || v.Modified || len(v.Modules) < 20 {
		t.Errorf("the program says that it is %+v", v)
	}
	list, err := os.ReadFile(archive + release.PartsExtension)
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(filepath.Join(to, "kpkg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Deps {
		if !bytes.Contains(list, []byte("pkg:golang/"+m.Path+"@"+m.Version)) && !bytes.Contains(list, []byte(`"name": "`+m.Path+`"`)) {
			t.Errorf("the list of parts has no %s %s", m.Path, m.Version)
		}
	}
}

// checkDebian has dpkg-deb read the package.
func checkDebian(t *testing.T, dir string) {
	host := executable.Host()
	if host.OS != "linux" {
		return
	}
	file := filepath.Join(dir, "kpkg_1.2.3_"+host.Arch+".deb")
	for _, ask := range []struct{ flag, want string }{
		{"--info", "Package: kpkg\n"}, {"--info", "Version: 1.2.3\n"}, {"--contents", "-rwxr-xr-x root/root"}, {"--contents", " ./usr/bin/kpkg\n"},
		{"--contents", " ./usr/share/man/man1/kpkg-create.1.gz\n"}, {"--contents", " ./usr/share/bash-completion/completions/kpkg\n"},
		{"--contents", "2026-01-02 03:04 ./usr/bin/kpkg"},
	} {
		c := exec.CommandContext(t.Context(), "dpkg-deb", ask.flag, file)
		c.Env = append(os.Environ(), "TZ=UTC")
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), ask.want) && !strings.Contains(strings.ReplaceAll(string(out), "\n ", "\n"), "\n"+ask.want) {
			t.Errorf("dpkg-deb %s says nothing of %q: %v\n%s", ask.flag, ask.want, err, out)
		}
	}
}

// TestOutsideGit wants a repository, and leaves nothing behind.
func TestOutsideGit(t *testing.T) {
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	out := t.TempDir()
	err := run(context.Background(), options{dir: t.TempDir(), outDir: out}, io.Discard)
	entries, _ := os.ReadDir(out)
	if err == nil || len(entries) > 0 {
		t.Errorf("%v, and there is %v", err, entries)
	}
}

func TestDebianVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3": "1.2.3", "v1.2.3-rc.1": "1.2.3~rc.1", "v0.0.0-20261128204600-0123456789ab": "0.0.0~20261128204600.0123456789ab",
	} {
		if got := debianVersion(version); got != want {
			t.Errorf("%s is %s", version, got)
		}
	}
}
