package verify_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/executable/executabletest"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
	"github.com/PlakarKorp/kpkg/verify"
)

// expect requires a finding of the rule and severity whose message contains a text.
func expect(t testing.TB, findings []finding.Finding, severity finding.Severity, rule, text string) {
	t.Helper()
	if !slices.ContainsFunc(findings, func(f finding.Finding) bool {
		return f.Severity == severity && f.Rule == rule && strings.Contains(f.Message, text)
	}) {
		t.Errorf("no %v %s: %q in %v", severity, rule, text, findings)
	}
}

// change is a good package after an edit of one of its files; without content it loses the file.
func change(t testing.TB, name string, edit func(*ptartest.File)) []ptartest.File {
	t.Helper()
	files := good(t)
	i := slices.IndexFunc(files, func(f ptartest.File) bool { return f.Path == name })
	if edit == nil {
		return slices.Delete(files, i, i+1)
	}
	edit(&files[i])
	return files
}

// manifestWith is a good package with a replacement in its manifest.
func manifestWith(t testing.TB, old, replacement string) []ptartest.File {
	t.Helper()
	if !strings.Contains(goodManifest, old) {
		t.Fatalf("the manifest has no %q", old)
	}
	return change(t, "manifest.yaml", func(f *ptartest.File) {
		f.Content = []byte(strings.Replace(goodManifest, old, replacement, 1))
	})
}

func badContent(t *testing.T) {
	content := func(data []byte) func(*ptartest.File) { return func(f *ptartest.File) { f.Content = data } }
	add := func(files ...ptartest.File) []ptartest.File { return append(good(t), files...) }
	for _, test := range []struct {
		name     string
		file     string
		files    []ptartest.File
		severity finding.Severity
		rule     string
		text     string
	}{
		{"no name of a package", "sample.ptar", good(t), finding.Error, "package-name", "three underscores divide it, here are 0"},
		{"underscore in the name", "my_sample_v1.0.0_linux_amd64.ptar", good(t), finding.Error, "package-name", "here are 4"},
		{"no version", "sample_1.0_linux_amd64.ptar", good(t), finding.Error, "package-name", "not a version"},
		{"unknown platform", "sample_v1.0.0_linux_z80.ptar", good(t), finding.Error, "package-platform", "z80"},
		{"another name", "other_v1.0.0_linux_amd64.ptar", good(t), finding.Error, "package-name", "the manifest's name is sample"},
		{"another version", goodName, manifestWith(t, "license:", "version: 0.9.0\nlicense:"), finding.Warning, "package-version", "v0.9.0"},
		{"another platform", "sample_v1.0.0_darwin_arm64.ptar", good(t), finding.Error, "executable-platform", "built for linux/amd64"},
		{"another architecture", goodName, change(t, "importer", content(executabletest.Program(t, "linux", "arm64"))), finding.Error,
			"executable-platform", "built for linux/arm64"},
		{"no .exe", "sample_v1.0.0_windows_amd64.ptar", change(t, "importer", content(executabletest.Program(t, "windows", "amd64"))),
			finding.Error, "executable-missing", "importer.exe"},
		{"no manifest", goodName, change(t, "manifest.yaml", nil), finding.Error, "package-manifest", "no file manifest.yaml"},
		{"manifest.yml", goodName, change(t, "manifest.yaml", func(f *ptartest.File) { f.Path = "manifest.yml" }), finding.Error,
			"package-manifest", "no file manifest.yaml"},
		{"manifest below", goodName, change(t, "manifest.yaml", func(f *ptartest.File) { f.Path = "x/manifest.yaml" }), finding.Error,
			"package-manifest", "no file manifest.yaml"},
		{"manifest of no YAML", goodName, change(t, "manifest.yaml", content([]byte("\tname"))), finding.Error, "yaml-syntax", ""},
		{"builtin protocol", goodName, manifestWith(t, "[sample]", "[fs]"), finding.Error, "protocol-builtin", "fs"},
		{"unknown location flag", goodName, manifestWith(t, "  executable:", "  location_flags: [nope]\n  executable:"),
			finding.Error, "location-flag", "nope"},
		{"no executable", goodName, change(t, "importer", nil), finding.Error, "executable-missing", "importer is not in the package"},
		{"executable of text", goodName, change(t, "importer", content([]byte("hello"))), finding.Error, "executable-format", "importer"},
		{"executable without permission", goodName, change(t, "importer", func(f *ptartest.File) { f.Mode = 0o644 }), finding.Error,
			"executable-mode", "no permission"},
		{"executable cut short", goodName, change(t, "importer", func(f *ptartest.File) { f.Content = f.Content[:40] }), finding.Error,
			"executable-format", "importer"},
		{"no extra file", goodName, change(t, "data/words", nil), finding.Error, "file-missing", "data/words"},
		{"no validator", goodName, change(t, "schema/importer.json", nil), finding.Error, "file-missing", "schema/importer.json"},
		{"validator of no JSON", goodName, change(t, "schema/importer.json", content([]byte("{"))), finding.Error, "validator-json", ""},
		{"unlisted file", goodName, add(ptartest.File{Path: ".env", Mode: 0o644, Content: []byte("TOKEN=1")}), finding.Error,
			"package-unlisted", ".env"},
		{"license below", goodName, add(ptartest.File{Path: "x/LICENSE", Mode: 0o644}), finding.Error, "package-unlisted", "x/LICENSE"},
		{"no README", goodName, change(t, "README.md", nil), finding.Warning, "package-readme", "README.md"},
		{"large README", goodName, change(t, "README.md", content(make([]byte, 1<<20+1))), finding.Warning, "package-size", "README.md"},
		{"large icon", goodName, add(ptartest.File{Path: "assets/icon.svg", Mode: 0o644, Content: make([]byte, 256<<10+1)}),
			finding.Warning, "package-size", "assets/icon.svg"},
		{"names alike", goodName, add(ptartest.File{Path: "License", Mode: 0o644}), finding.Warning, "package-case", "License"},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := run(t, write(t, test.file, ptartest.Kpkg(t, test.files)), verify.Options{})
			expect(t, report.Findings, test.severity, test.rule, test.text)
		})
	}
}

func windows(t *testing.T) {
	files := change(t, "importer", func(f *ptartest.File) {
		f.Path, f.Content, f.Mode = "importer.exe", executabletest.Program(t, "windows", "amd64"), 0o644
	})
	const name = "sample_v1.0.0_windows_amd64.ptar"
	if report := run(t, write(t, name, ptartest.Kpkg(t, files)), verify.Options{Strict: true}); len(report.Findings) > 0 {
		t.Error(report.Findings)
	}
	files = append(files, ptartest.File{Path: "LICENSE:alternate", Mode: 0o644}, ptartest.File{Path: "License:Alternate", Mode: 0o644})
	expect(t, run(t, write(t, name, ptartest.Kpkg(t, files)), verify.Options{}).Findings, finding.Error, "package-case", "on windows")
	expect(t, run(t, write(t, name, ptartest.Kpkg(t, files)), verify.Options{}).Findings, finding.Error, "package-path", "LICENSE:alternate")
}

// level has an executable that says of itself that it was built for newer processors only.
func level(t *testing.T) {
	files := change(t, "importer", func(f *ptartest.File) {
		f.Content = bytes.ReplaceAll(f.Content, []byte("GOAMD64=v1"), []byte("GOAMD64=v3"))
	})
	report := run(t, write(t, goodName, ptartest.Kpkg(t, files)), verify.Options{})
	expect(t, report.Findings, finding.Warning, "executable-level", "GOAMD64=v3")
	if len(report.Findings) != 1 {
		t.Error(report.Findings)
	}
}

func strict(t *testing.T) {
	report := run(t, write(t, goodName, ptartest.Kpkg(t, change(t, "README.md", nil))), verify.Options{Strict: true})
	expect(t, report.Findings, finding.Error, "package-readme", "README.md")
}

// forged covers what no writer makes: the package is as it should be, but for what it is forged to hold.
func forged(t *testing.T) {
	for _, test := range []struct {
		name     string
		forge    func(*ptartest.Forgery)
		severity finding.Severity
		rule     string
		text     string
	}{
		{"symbolic link", func(f *ptartest.Forgery) {
			f.Add(ptartest.File{Path: "LICENSE-link", Mode: 0o777 | fs.ModeSymlink, Target: "/etc/passwd"})
		}, finding.Error, "package-kind", "symbolic link to /etc/passwd"},
		{"device", func(f *ptartest.Forgery) {
			f.Entries = append(f.Entries, ptartest.NewEntry("/device", 0o666|fs.ModeDevice))
		}, finding.Error, "package-kind", "neither a file"},
		{"pipe", func(f *ptartest.Forgery) {
			f.Entries = append(f.Entries, ptartest.NewEntry("/pipe", 0o666|fs.ModeNamedPipe))
		}, finding.Error, "package-kind", "neither a file"},
		{"setuid", func(f *ptartest.Forgery) { named(f, "/importer").FileInfo.Lmode |= fs.ModeSetuid }, finding.Error, "package-mode", "setuid"},
		{"sticky directory", func(f *ptartest.Forgery) { named(f, "/data").FileInfo.Lmode |= fs.ModeSticky }, finding.Error, "package-mode", "sticky"},
		{"world-writable", func(f *ptartest.Forgery) { named(f, "/importer").FileInfo.Lmode |= 0o002 }, finding.Error, "package-mode", "by everyone"},
		{"unreadable", func(f *ptartest.Forgery) { named(f, "/LICENSE").FileInfo.Lmode = 0 }, finding.Error, "package-mode", "cannot be read"},
		{"hard links", func(f *ptartest.Forgery) { named(f, "/importer").FileInfo.Lnlink = 2 }, finding.Error, "package-links", "2 hard links"},
		{"owner of a directory", func(f *ptartest.Forgery) { named(f, "/data").FileInfo.Luid = 1000 }, finding.Warning, "package-owner", "user 1000"},
		{"owner of a file", func(f *ptartest.Forgery) { named(f, "/LICENSE").FileInfo.Lusername = "me" }, finding.Warning, "privacy-owner", ""},
		{"inode", func(f *ptartest.Forgery) { named(f, "/LICENSE").FileInfo.Lino = 7 }, finding.Warning, "privacy-inode", ""},
		{"directory of the builder", func(f *ptartest.Forgery) {
			f.Header = func(h *header.Header) {
				h.Sources[0].Importer.Directory = "/data"
			}
		}, finding.Warning, "privacy-origin", "ImporterDirectory"},
		{"outside of the root", func(f *ptartest.Forgery) {
			f.Header = func(h *header.Header) { h.Sources[0].Importer.Directory = "/data" }
		}, finding.Warning, "package-unused", "outside of the package's root"},
		{"two snapshots", func(f *ptartest.Forgery) {
			f.PutAs(resources.RT_SNAPSHOT, objects.MAC{7}, f.Encode([]byte{0x80}))
		}, finding.Error, "package-snapshots", "2 snapshots"},
		{"manifest that is a directory", func(f *ptartest.Forgery) {
			*f = *ptartest.NewForgery(t, "LZ4", change(t, "manifest.yaml", nil))
			f.Entries = append(f.Entries, ptartest.NewEntry("/manifest.yaml", fs.ModeDir|0o755))
		}, finding.Error, "package-manifest", "no file manifest.yaml"},
		{"executable that is a directory", func(f *ptartest.Forgery) {
			*f = *ptartest.NewForgery(t, "LZ4", change(t, "importer", nil))
			f.Entries = append(f.Entries, ptartest.NewEntry("/importer", fs.ModeDir|0o755))
		}, finding.Error, "executable-kind", "not a regular file"},
		{"bomb", func(f *ptartest.Forgery) {
			zeros := make([]byte, ptarread.MaxBlob)
			bomb := f.Add(ptartest.File{Path: "LICENSE-bomb", Mode: 0o644})
			bomb.Object, bomb.FileInfo.Lsize = f.PutObject(slices.Repeat([][]byte{zeros}, 9)...), 9*ptarread.MaxBlob
		}, finding.Error, "package-limit", "unpacks to more than"},
		{"chunk beyond the limit", func(f *ptartest.Forgery) {
			f.Add(ptartest.File{Path: "LICENSE-large", Mode: 0o644, Content: make([]byte, ptarread.MaxBlob+1)})
		}, finding.Error, "package-limit", "has a chunk of"},
		{"hidden data", func(f *ptartest.Forgery) { f.Put(resources.RT_CHUNK, []byte("hidden")) }, finding.Warning, "package-unused", "belong to nothing"},
		{"version of the snapshot", func(f *ptartest.Forgery) {
			f.Header = func(h *header.Header) { h.Version = 9 << 16 }
		}, finding.Warning, "package-version", "v9.0.0"},
		{"large chunks", func(f *ptartest.Forgery) { f.Config.Chunking.MaxSize = 64 << 20 }, finding.Warning, "package-chunks", "67108864"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := ptartest.NewForgery(t, "LZ4", good(t))
			test.forge(f)
			report := run(t, write(t, goodName, f.Bytes()), verify.Options{})
			expect(t, report.Findings, test.severity, test.rule, test.text)
		})
	}
}

// TestLargestChunks holds that chunks of 8 MiB, which the reader takes, are no finding.
func TestLargestChunks(t *testing.T) {
	f := ptartest.NewForgery(t, "LZ4", good(t))
	f.Config.Chunking.MaxSize = ptarread.MaxBlob
	for _, found := range run(t, write(t, goodName, f.Bytes()), verify.Options{}).Findings {
		if found.Rule == "package-chunks" {
			t.Error(found)
		}
	}
}

// named is the forgery's entry at a path.
func named(f *ptartest.Forgery, path string) *vfs.Entry {
	return f.Entries[slices.IndexFunc(f.Entries, func(e *vfs.Entry) bool { return e.Path() == path })]
}

// incomplete is the package of a client that could not read a file, and said nothing.
func incomplete(t *testing.T) {
	files := change(t, "importer", func(f *ptartest.File) { f.Err = errors.New("permission denied") })
	report := run(t, write(t, goodName, ptartest.Upstream(t, files, nil)), verify.Options{})
	expect(t, report.Findings, finding.Error, "package-incomplete", "without importer: permission denied")
	expect(t, report.Findings, finding.Error, "executable-missing", "importer")
}

func uncompressed(t *testing.T) {
	data := ptartest.Upstream(t, good(t), func(c *storage.Configuration) { c.Compression = nil })
	report := run(t, write(t, goodName, data), verify.Options{})
	expect(t, report.Findings, finding.Warning, "package-uncompressed", "not compressed")
	if finding.HasErrors(report.Findings) {
		t.Error(report.Findings)
	}
}

// noPackage covers files that are none, which get a finding, not an error.
func noPackage(t *testing.T) {
	data := ptartest.Kpkg(t, good(t))
	folder := filepath.Join(t.TempDir(), goodName)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, path, rule, text string }{
		{"folder", folder, "package-format", "is a folder"},
		{"empty", write(t, goodName, nil), "package-format", "empty"},
		{"one byte", write(t, goodName, data[:1]), "package-damaged", "cut short"},
		{"manifest", write(t, "manifest.yaml", []byte("name: x\n")), "package-format", "it is a manifest, not a package"},
		{"text", write(t, goodName, []byte("hello\n")), "package-format", "not a ptar"},
		{"magic alone", write(t, goodName, data[:12]), "package-damaged", "cut short"},
		{"half", write(t, goodName, data[:len(data)/2]), "package-damaged", "cut short"},
		{"appended", write(t, goodName, append(bytes.Clone(data), 0)), "package-damaged", "appended to"},
		{"another version", write(t, goodName, append([]byte("_PLATAR_\x09\x00\x01\x00"), data[12:]...)), "package-unsupported", "v1.0.9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := run(t, test.path, verify.Options{})
			expect(t, report.Findings, finding.Error, test.rule, test.text)
			if len(report.Findings) != 1 || report.Name != "sample" && test.name != "manifest" {
				t.Errorf("%+v", report)
			}
		})
	}
}

// damagedChunk is what the client installs without its executable and without a word.
func damagedChunk(t *testing.T) {
	data := ptartest.Kpkg(t, good(t))
	data[len(data)/2] ^= 1
	report := run(t, write(t, goodName, data), verify.Options{})
	expect(t, report.Findings, finding.Error, "package-damaged", "which hits importer")
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := verify.File(ctx, write(t, goodName, ptartest.Kpkg(t, good(t))), verify.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, not that the context ended", err)
	}
}

// TestMissing has no report of a package that is not there.
func TestMissing(t *testing.T) {
	folder := t.TempDir()
	for name, want := range map[string]string{
		goodName: "no package at ", "*.ptar": "no file matches ", "ftp://example.org/x.ptar": "download the package first",
	} {
		path := name
		if !strings.Contains(name, "://") {
			path = filepath.Join(folder, name)
		}
		_, err := verify.File(context.Background(), path, verify.Options{})
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
