package sdk

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"
)

// least has the methods that a Scanner must have, and no other.
type least struct{ Scanner }

func TestScannerAddsFolders(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }
	entry := func(path string, mode fs.FileMode, hour int) *ScanResult {
		return NewScanRecord(path, "", NewFileInfo(FileInfo{Mode: mode, ModTime: at(hour)}), nil)
	}
	scan := func() (<-chan *ScanResult, error) {
		results := make(chan *ScanResult, 8)
		results <- entry("/pub/a/b/one", 0o600, 1)
		results <- entry("/pub/a/two", 0o600, 3)
		results <- entry("/pub/c/d/three", 0o600, 2)
		results <- entry("/pub/c", fs.ModeDir|0o700, 9) // sent, after what is in it
		results <- NewScanError("/pub/locked", errors.New("no permission"))
		results <- entry("/elsewhere/four", 0o600, 1) // not below the root, which another check is for
		close(results)
		return results, nil
	}
	p := start(t, newImporterService(ScannerFrom(func(context.Context, *Options, string, map[string]string) (rooted, error) {
		return rooted{simple{scan: scan, close: func() error { return nil }}}, nil
	})))
	all, err := readAll(t.Context(), p.importer(t, "test", nil))
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]int{}
	for path, r := range all.records {
		if r.FileInfo.Lmode.IsDir() {
			folders[path] = r.FileInfo.LmodTime.UTC().Hour()
		}
	}
	want := map[string]int{"/pub": 9, "/pub/a": 3, "/pub/a/b": 1, "/pub/c": 9, "/pub/c/d": 2}
	for path, hour := range want {
		if got, known := folders[path]; !known || got != hour {
			t.Errorf("%s: %d %v, want %d", path, got, known, hour)
		}
		delete(folders, path)
	}
	if len(folders) > 0 {
		t.Errorf("folders that nothing is in: %v", folders)
	}
	if r := all.records["/pub/a/b"]; r != nil && (r.FileInfo.Lname != "b" || r.FileInfo.Lmode != fs.ModeDir|0o755) {
		t.Errorf("%+v", r.FileInfo)
	}
}

// rooted begins at a folder.
type rooted struct{ simple }

func (rooted) Root() string { return "/pub" }

func TestScannerOfTwoMethods(t *testing.T) {
	construct := ScannerFrom(func(context.Context, *Options, string, map[string]string) (least, error) {
		return least{simple{}}, nil
	})
	for location, origin := range map[string]string{
		"ftp://user@host.example:21/pub": "host.example", "notes:///home/notes.json": "laptop", "notes:notes.json": "laptop",
	} {
		imp, err := construct(t.Context(), &Options{Hostname: "laptop"}, "ftp", map[string]string{"location": location})
		if err != nil {
			t.Fatal(err)
		}
		got := []string{imp.Origin(), imp.Type(), imp.Root()}
		if want := []string{origin, "ftp", "/"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", location, got, want)
		}
		if err := errors.Join(imp.Ping(t.Context()), imp.Close(t.Context())); err != nil || imp.Flags() != 0 {
			t.Error(err, imp.Flags())
		}
	}
}

func TestNewFileInfo(t *testing.T) {
	at := time.Unix(1, 0)
	got := NewFileInfo(FileInfo{
		Name: "a", Size: 1, Mode: 0o644, ModTime: at, Device: 2, Inode: 3, UID: 4, GID: 5, Links: 6, User: "u", Group: "g",
	})
	if got.Lname != "a" || got.Lsize != 1 || got.Lmode != 0o644 || got.LmodTime != at || got.Ldev != 2 || got.Lino != 3 ||
		got.Luid != 4 || got.Lgid != 5 || got.Lnlink != 6 || got.Lusername != "u" || got.Lgroupname != "g" {
		t.Errorf("%+v", got)
	}
	if got := NewFileInfo(FileInfo{}); got.Lnlink != 1 {
		t.Errorf("%d links", got.Lnlink)
	}
	if r := NewScanRecord("/a/b", "", NewFileInfo(FileInfo{}), nil); r.FileInfo.Lname != "b" {
		t.Errorf("name %q", r.FileInfo.Lname)
	}
}
