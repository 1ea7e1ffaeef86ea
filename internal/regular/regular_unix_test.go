//go:build unix

package regular

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestOtherKinds holds that what is no regular file is refused at once, by each way to open one.
func TestOtherKinds(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		syscall.Mkfifo(at("pipe"), 0o600), os.Mkdir(at("folder"), 0o700), os.Symlink("pipe", at("link to a pipe")),
	); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // the path of a socket may not be long
	socket, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := os.Symlink("/dev/zero", at("link to a device")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"pipe", "folder", "link to a pipe", "socket", "link to a device"} {
		for way, open := range map[string]func() error{
			"Open":   func() error { _, err := Open(at(name)); return err },
			"OpenIn": func() error { _, err := OpenIn(root, name); return err },
			"Read":   func() error { _, err := Read(at(name), 1); return err },
			"FS":     func() error { _, err := FS(root).Open(name); return err },
		} {
			done := make(chan error, 1)
			go func() { done <- open() }()
			select {
			case err := <-done:
				var other *Error
				leaves := name == "link to a device" && (way == "OpenIn" || way == "FS")
				if err == nil || !leaves && !errors.As(err, &other) {
					t.Errorf("%s of a %s: %v", way, name, err)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%s waits for a %s", way, name)
			}
		}
	}
}

// TestExchanged holds that the type is asked for again once the file is open: the name may have been given to another.
func TestExchanged(t *testing.T) {
	dir := t.TempDir()
	file, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	exchanging := func(name string) (fs.FileInfo, error) {
		info, err := os.Stat(name)
		return info, errors.Join(err, os.Rename(pipe, file))
	}
	done := make(chan error, 1)
	go func() {
		_, err := open(file, exchanging, os.OpenFile)
		done <- err
	}()
	select {
	case err := <-done:
		var other *Error
		if !errors.As(err, &other) {
			t.Errorf("the pipe that took the file's name was opened: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("waits for the pipe that took the file's name")
	}
}

func TestFS(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "a"), 0o700),
		os.WriteFile(filepath.Join(dir, "a", "b"), []byte("text"), 0o600),
		os.Symlink("b", filepath.Join(dir, "a", "link")),
	); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	data, err := fs.ReadFile(FS(root), "a/b")
	if err != nil || string(data) != "text" {
		t.Errorf("a/b holds %q, %v", data, err)
	}
	info, err := fs.Lstat(FS(root), "a/link")
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("a/link is %v, %v", info, err)
	}
	if entries, err := fs.ReadDir(FS(root), "a"); err != nil || len(entries) != 2 {
		t.Errorf("a lists %v, %v", entries, err)
	}
	if _, err := fs.ReadDir(FS(root), "a/b"); err == nil {
		t.Error("a file was listed")
	}
	if _, err := FS(root).Open("../x"); err == nil {
		t.Error("a path out of the folder was opened")
	}
}

// TestReplace gives what it writes the mode that is asked for, whatever was there.
func TestReplace(t *testing.T) {
	for _, mode := range []fs.FileMode{PrivateMode, SharedMode} {
		path := filepath.Join(t.TempDir(), "file")
		for _, text := range []string{"one", "two"} {
			if err := Replace(path, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
			info, err := os.Lstat(path)
			if data, readErr := os.ReadFile(path); errors.Join(err, readErr) != nil || info.Mode() != mode || string(data) != text {
				t.Errorf("%v: %q, %v", info.Mode(), data, errors.Join(err, readErr))
			}
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
		}
	}
}
