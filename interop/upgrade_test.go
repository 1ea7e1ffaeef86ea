package interop

import (
	"context"
	"encoding/pem"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/pkg"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// user is somebody who installs from a registry, with folders of their own for plakar and kpkg.
type user struct {
	*story
	address string
}

// newUser serves a tree by TLS, of an authority that the user's environment names, and trusts its key.
func newUser(s *story, tree string) *user {
	s.t.Helper()
	address := serve(s.t, s.at(tree))
	roots := httptest.NewTLSServer(http.NotFoundHandler()) // all of them have one authority
	defer roots.Close()
	s.put("roots.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: roots.Certificate().Raw})))
	u := &user{s, address}
	u.run(0, "trust", "add", "acme.pub", "--scope", address)
	return u
}

func (u *user) environment() []string {
	return []string{
		"XDG_STATE_HOME=" + u.at("user/state"), "XDG_CONFIG_HOME=" + u.at("user/config"), "XDG_DATA_HOME=" + u.at("user/data"),
		"XDG_CACHE_HOME=" + u.at("user/cache"), "SSL_CERT_FILE=" + u.at("roots.pem"), "KPKG_REGISTRY=" + u.address,
	}
}

// run runs kpkg for the user.
func (u *user) run(status int, args ...string) rig.Result {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), patience)
	defer cancel()
	result, err := rig.RunIn(ctx, u.dir, u.environment(), tools.Kpkg, args...)
	if err != nil || result.Status != status {
		u.t.Fatalf("kpkg %q: %v, %v; want status %d", args, err, result, status)
	}
	return result
}

// manager is the client's own, for the same folders.
func (u *user) manager() *pkg.Manager {
	return newManagerOf(u.t, u.address, u.at("user/data/plakar/plugins/v1.1.0"), u.at("user/cache/plakar/plugins/v1.1.0"))
}

// listed are the integrations that the client's manager lists.
func (u *user) listed() []string {
	u.t.Helper()
	var list []string
	for p, err := range u.manager().List() {
		if err != nil {
			u.t.Fatal(err)
		}
		list = append(list, p.Name+"@"+p.Version)
	}
	slices.Sort(list)
	return list
}

func (u *user) want(list ...string) {
	u.t.Helper()
	if got := u.listed(); !slices.Equal(got, list) {
		u.t.Fatalf("the client lists %q, not %q", got, list)
	}
	installed := u.run(0, "installed").Stdout
	for _, one := range list {
		name, version, _ := strings.Cut(one, "@")
		if !strings.Contains(installed, name+"   "+version) && !strings.Contains(installed, name+"  "+version) {
			u.t.Errorf("kpkg lists %s, not %s", installed, one)
		}
	}
}

// TestInstallFromRegistry has kpkg and the client's manager each install from one registry, list, upgrade and take away what the
// other has installed.
func TestInstallFromRegistry(t *testing.T) {
	s := newStory(t)
	for _, name := range []string{"one", "two"} {
		s.release(name, "v1.0.0", "dist-"+name)
		s.kpkg(0, "index", "dist-"+name, "--out-dir", "tree", "--key", "acme.sec")
	}
	u := newUser(s, "tree")
	u.run(0, "install", "one")
	if err := u.manager().Add("two", &pkg.AddOptions{ImplicitFetch: true}); err != nil {
		t.Fatal(err)
	}
	u.want("one@v1.0.0", "two@v1.0.0")
	for _, name := range []string{"one", "two"} {
		s.release(name, "v1.1.0", "next-"+name)
		s.kpkg(0, "index", "next-"+name, "--out-dir", "tree", "--key", "acme.sec")
	}
	u.run(0, "upgrade")
	u.want("one@v1.1.0", "two@v1.1.0")
	if out := u.run(1, "install", "two@v1.0.0").Stdout; !strings.Contains(out, "[install-older]") {
		t.Error(out)
	}
	u.want("one@v1.1.0", "two@v1.1.0")
	u.run(0, "uninstall", "two")
	u.want("one@v1.1.0")
	if err := u.manager().Del("one", &pkg.DelOptions{}); err != nil {
		t.Error(err)
	}
	if got := u.listed(); len(got) > 0 {
		t.Errorf("left: %q", got)
	}
	u.run(0, "install", "one@v1.0.0", "two")
	u.want("one@v1.0.0", "two@v1.1.0")
}

// TestUpgradeKilled kills upgrades from a registry at random moments: the client finds the old version, the new one or both each time,
// whole, and the next command finishes.
func TestUpgradeKilled(t *testing.T) {
	s := newStory(t)
	s.release("one", "v1.0.0", "dist")
	s.release("one", "v1.1.0", "next")
	s.kpkg(0, "index", "dist", "next", "--out-dir", "tree", "--key", "acme.sec")
	u := newUser(s, "tree")
	u.run(0, "install", "one@v1.0.0")
	packages := u.at("user/data/plakar/plugins/v1.1.0")
	took, states := time.Second, map[int]int{}
	for killed, run := 0, 0; killed < *moments; run++ {
		if run == 20**moments {
			t.Fatalf("only %d of %d runs were killed before their end", killed, run)
		}
		args := []string{"upgrade"}
		if files, _ := filepath.Glob(filepath.Join(packages, "one_v1.1.0_*.ptar")); len(files) > 0 {
			args = []string{"install", "--allow-downgrade", "one@v1.0.0"}
		}
		cmd := exec.Command(tools.Kpkg, args...)
		cmd.Dir, cmd.Env = u.dir, append(os.Environ(), u.environment()...)
		begin := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(took))))
		cmd.Process.Kill()
		if err := cmd.Wait(); err == nil {
			took = time.Since(begin)*2/3 + 1
			continue
		}
		killed++
		files, err := filepath.Glob(filepath.Join(packages, "one_*.ptar"))
		if err != nil || len(files) == 0 || len(files) > 2 {
			t.Fatalf("kill %d left %q, %v", killed, files, err)
		}
		states[len(files)]++
		for _, file := range files {
			if out, err := exec.Command(tools.Kpkg, "verify", "--quiet", file).CombinedOutput(); err != nil {
				t.Fatalf("kill %d left half a package: %s", killed, out)
			}
		}
		if killed%5 == 0 {
			if list := u.listed(); len(list) != len(files) {
				t.Errorf("after kill %d the client lists %q of %q", killed, list, files)
			}
		}
	}
	t.Logf("one version or both: %v", states)
	u.run(0, "install", "--allow-downgrade", "one@v1.0.0")
	u.run(0, "upgrade")
	u.want("one@v1.1.0")
}
