package main

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// endsSoon interrupts a command, and waits for it.
func endsSoon(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	killed := time.AfterFunc(answerTime, func() {
		t.Errorf("it has not ended after %v", answerTime)
		cmd.Process.Kill()
	})
	defer killed.Stop()
	cmd.Wait()
}

// TestInterruptClean interrupts a removal: what is not removed is whole, and the next run removes it.
func TestInterruptClean(t *testing.T) {
	raced.Skip(t, "it measures how soon kpkg ends")
	cache := t.TempDir()
	const kept = 20_000
	for _, kind := range []string{"outputs", "work"} {
		for i := range kept {
			dir := filepath.Join(cache, "kpkg", kind, strconv.Itoa(i))
			if err := os.MkdirAll(filepath.Join(dir, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(dir, time.Time{}, time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, kind := range []string{"outputs", "work"} {
		folder := filepath.Join(cache, "kpkg", kind)
		var printed bytes.Buffer
		cmd := exec.Command("kpkg", "clean")
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
		cmd.Stdout, cmd.Stderr = &printed, &printed
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for has := kept; has == kept; time.Sleep(time.Millisecond) {
			left, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			has = len(left)
		}
		endsSoon(t, cmd)
		left, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(printed.String(), "interrupted;") || len(left) == 0 {
			t.Errorf("%s: exit status %d, with %d left of %d\n%s", kind, code, len(left), kept, &printed)
		}
		for _, one := range left {
			if is, err := os.ReadDir(filepath.Join(folder, one.Name())); err != nil || len(is) != 1 {
				t.Errorf("%s is half there: %v, %v", one.Name(), is, err)
			}
		}
	}
	cmd := exec.Command("kpkg", "clean")
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the next run: %v\n%s", err, out)
	}
	for _, kind := range []string{"outputs", "work"} {
		if left, _ := os.ReadDir(filepath.Join(cache, "kpkg", kind)); len(left) > 0 {
			t.Errorf("%d %s are left", len(left), kind)
		}
	}
}

// TestInterruptServe interrupts a server while a file is downloaded from it: by somebody who does not read, or out of an archive on a
// web server that has stopped to answer.
func TestInterruptServe(t *testing.T) {
	raced.Skip(t, "it measures how soon kpkg ends")
	dir := t.TempDir()
	archive := filepath.Join(dir, "x.ptar")
	noise := make([]byte, 40<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	if err := os.MkdirAll(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "folder", "noise"), noise, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("kpkg", "pack", filepath.Join(dir, "folder"), "-o", archive).CombinedOutput(); err != nil {
		t.Fatalf("kpkg pack: %v\n%s", err, out)
	}
	var stopped atomic.Bool
	hung := make(chan struct{}, 100)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if stopped.Load() {
			hung <- struct{}{}
			<-q.Context().Done()
			return
		}
		http.ServeFile(w, q, archive)
	}))
	defer site.Close()
	for _, from := range []string{archive, site.URL + "/x.ptar"} {
		temporary := t.TempDir()
		cmd := exec.Command("kpkg", "serve", from)
		cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
		var failed bytes.Buffer
		cmd.Stderr = &failed
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		address, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatalf("%v\n%s", err, &failed)
		}
		stopped.Store(from != archive)
		if raw := strings.TrimSpace(address) + "raw/latest/noise"; from == archive {
			response, err := http.Get(raw)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Fatalf("%s for the file", response.Status)
			}
		} else {
			go func() {
				if response, err := http.Get(raw); err == nil {
					io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
			}()
			<-hung
		}
		endsSoon(t, cmd)
		if code := cmd.ProcessState.ExitCode(); code != exitOK {
			t.Errorf("exit status %d\n%s", code, &failed)
		}
		if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	}
}
