package interop

import (
	"encoding/pem"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	return u.kpkgWith(u.environment(), status, args...)
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
	wantInstalled(u.t, u.run(0, "installed").Stdout, list)
}

// clients are kpkg and plakar's client with the same folders, and a place that both take packages from.
type clients interface {
	// publish puts the release in a folder there.
	publish(name, dist string)
	// run runs kpkg for their user, and install has the arguments with which it installs a version, "" for the newest.
	run(status int, args ...string) rig.Result
	install(name, version string) []string
	// upgrade has the arguments with which kpkg installs what is newer than the version that is installed.
	upgrade(name string) []string
	// add, replace and remove are what the client does: it installs the newest version, does so in place of an older one, and takes
	// the integration away.
	add(name string)
	replace(name string)
	remove(name string)
	// want fails the test unless both clients list just that, as NAME@VERSION.
	want(list ...string)
}

// installBoth has kpkg and the client each install, list, upgrade and take away what the other has installed.
func (s *story) installBoth(c clients) {
	s.t.Helper()
	for _, name := range []string{"one", "two"} {
		s.release(name, "v1.0.0", "dist-"+name)
		c.publish(name, "dist-"+name)
	}
	c.run(0, c.install("one", "")...)
	c.add("two")
	c.want("one@v1.0.0", "two@v1.0.0")
	for _, name := range []string{"one", "two"} {
		s.release(name, "v1.1.0", "next-"+name)
		c.publish(name, "next-"+name)
	}
	c.replace("one")
	c.run(0, c.upgrade("two")...)
	c.want("one@v1.1.0", "two@v1.1.0")
	for _, name := range []string{"one", "two"} {
		if out := c.run(1, c.install(name, "v1.0.0")...).Stdout; !strings.Contains(out, "[install-older]") {
			s.t.Error(out)
		}
	}
	c.want("one@v1.1.0", "two@v1.1.0")
	c.run(0, "uninstall", "one")
	c.want("two@v1.1.0")
	c.remove("two")
	c.want()
	c.run(0, c.install("one", "v1.0.0")...)
	c.run(0, c.install("two", "")...)
	c.want("one@v1.0.0", "two@v1.1.0")
	c.remove("one")
	c.run(0, "uninstall", "two")
	c.want()
}

// wantInstalled holds kpkg's list to that of the client.
func wantInstalled(t *testing.T, installed string, list []string) {
	t.Helper()
	for _, one := range list {
		name, version, _ := strings.Cut(one, "@")
		if !regexp.MustCompile(`(?m)^` + name + ` +` + version + ` `).MatchString(installed) {
			t.Errorf("kpkg lists %s, not %s", installed, one)
		}
	}
	if count := strings.Count(installed, " importer x"); count != len(list) {
		t.Errorf("kpkg lists %d integrations, the client %d: %s", count, len(list), installed)
	}
}

// fromRegistry are kpkg and the client's manager at a registry of files.
type fromRegistry struct{ *user }

func (f fromRegistry) publish(_, dist string) {
	f.kpkg(0, "index", dist, "--out-dir", "tree", "--key", "acme.sec")
}

func (f fromRegistry) install(name, version string) []string {
	if version != "" {
		name += "@" + version
	}
	return []string{"install", name}
}

func (f fromRegistry) upgrade(name string) []string { return []string{"upgrade", name} }

func (f fromRegistry) add(name string) { f.addWith(name, &pkg.AddOptions{ImplicitFetch: true}) }

func (f fromRegistry) replace(name string) {
	f.addWith(name, &pkg.AddOptions{ImplicitFetch: true, Upgrade: true})
}

func (f fromRegistry) addWith(name string, opts *pkg.AddOptions) {
	f.t.Helper()
	if err := f.manager().Add(name, opts); err != nil {
		f.t.Fatal(err)
	}
}

func (f fromRegistry) remove(name string) {
	f.t.Helper()
	if err := f.manager().Del(name, &pkg.DelOptions{}); err != nil {
		f.t.Fatal(err)
	}
}

func TestInstallFromRegistry(t *testing.T) {
	s := newStory(t)
	if err := os.Mkdir(s.at("tree"), 0o755); err != nil {
		t.Fatal(err)
	}
	u := newUser(s, "tree")
	s.installBoth(fromRegistry{u})
	// All that a registry has at once.
	u.run(0, "install", "one@v1.0.0", "two@v1.0.0")
	u.run(0, "upgrade")
	u.want("one@v1.1.0", "two@v1.1.0")
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
