package interop

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// moments is at how many moments a run of each command is killed; make killed has more.
var moments = flag.Int("moments", 25, "at how many moments each command is killed")

// killed runs kpkg and kills it after a part of the time that it takes.
func (s *story) killed(after time.Duration, args ...string) {
	s.t.Helper()
	cmd := exec.Command(tools.Kpkg, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+s.at("state"))
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(after)
	cmd.Process.Kill() // SIGKILL; a run that has ended already is a moment too
	cmd.Wait()
}

// TestKilled kills releases and runs of index at moments of their time: what is read is one state or the other, and the next
// run does the rest.
func TestKilled(t *testing.T) {
	s := newStory(t)
	s.release("one", "v1.0.0", "dist1")
	s.source("one", "v1.1.0")
	begin := time.Now()
	s.kpkg(0, s.releaseArgs("one", "v1.1.0", "dist2")...)
	took := time.Since(begin)
	whole := s.list("dist2")
	absent, done := 0, 0
	for i := range *moments {
		out := fmt.Sprintf("out%d", i)
		s.killed(took*time.Duration(i)/time.Duration(*moments), s.releaseArgs("one", "v1.1.0", out)...)
		if _, err := os.Stat(s.at(out)); errors.Is(err, fs.ErrNotExist) {
			absent++
		} else if done++; s.list(out) != whole {
			t.Errorf("killed after %d/%d, the release has %s", i, *moments, s.list(out))
		}
		s.kpkg(0, s.releaseArgs("one", "v1.1.0", out)...)
		if s.list(out) != whole {
			t.Errorf("gone on with after %d/%d, the release has %s", i, *moments, s.list(out))
		}
	}
	t.Logf("releases: %d not there, %d there", absent, done)

	s.kpkg(0, "index", "dist1", "--out-dir", "base", "--key", "acme.sec")
	args := func(tree string) []string { return []string{"index", "dist2", "--out-dir", tree, "--key", "acme.sec"} }
	s.copyTree("base", "trial")
	begin = time.Now()
	s.kpkg(0, args("trial")...)
	took = time.Since(begin)
	states := map[string]int{}
	for i := range *moments {
		tree := fmt.Sprintf("tree%d", i)
		s.copyTree("base", tree)
		s.killed(took*time.Duration(i)/time.Duration(*moments), args(tree)...)
		states[s.readTree(tree)]++
		s.kpkg(0, args(tree)...)
		s.kpkg(0, "index", "--check", tree, "--key", "acme.pub")
		if state := s.readTree(tree); state != "index v1.1.0, recipe v1.1.0" {
			t.Errorf("after the next run: %s", state)
		}
	}
	for state := range states {
		switch state {
		case "index v1.0.0, recipe v1.0.0", "index v1.0.0, recipe v1.1.0", "index v1.1.0, recipe v1.1.0":
		default:
			t.Errorf("a state of neither: %s", state)
		}
	}
	t.Logf("trees: %v", states)
}

// list is the names and contents of a folder, summed.
func (s *story) list(dir string) string {
	s.t.Helper()
	out, err := exec.Command("sh", "-c", "cd '"+s.at(dir)+"' && find . -type f | sort | xargs sha256sum").CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s, %v", out, err)
	}
	return string(out)
}

// readTree reads a tree through a server as a client that looks at sums does: index, recipe and package, each with its sum.
func (s *story) readTree(tree string) string {
	s.t.Helper()
	address := serve(s.t, s.at(tree))
	fetch := func(name string) []byte {
		answer, err := http.Get(address + "/" + name)
		if err != nil {
			s.t.Fatal(err)
		}
		defer answer.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			s.t.Fatalf("%s: %s, %v", name, answer.Status, err)
		}
		return b.Bytes()
	}
	here := s.t.TempDir()
	whole := func(name string) string {
		for _, extension := range []string{"", ".sum", ".sum.sig"} {
			if err := os.WriteFile(filepath.Join(here, filepath.Base(name)+extension), fetch(name+extension), 0o644); err != nil {
				s.t.Fatal(err)
			}
		}
		s.kpkg(0, "verify", "--key", "acme.pub", "--require-signature", filepath.Join(here, filepath.Base(name)))
		data, err := os.ReadFile(filepath.Join(here, filepath.Base(name)))
		if err != nil {
			s.t.Fatal(err)
		}
		return string(data)
	}
	version := func(text string) string {
		if strings.Contains(text, "v1.1.0\n") || strings.Contains(text, `"version": "v1.1.0"`) {
			return "v1.1.0"
		}
		return "v1.0.0"
	}
	index, recipe := version(whole("integrations-v1.0.0.json")), version(whole("community/v1.1.0/one/recipe.yaml"))
	whole(fmt.Sprintf("community/v1.1.0/one/one_%s_%s_%s.ptar", recipe, runtime.GOOS, runtime.GOARCH))
	return "index " + index + ", recipe " + recipe
}
