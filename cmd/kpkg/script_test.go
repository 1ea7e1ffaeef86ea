package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/oci/ocitest"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
	"github.com/PlakarKorp/kpkg/schema"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// programs are those that tests start, all of them this one under other names.
var programs = map[string]func(){}

func TestMain(m *testing.M) {
	programs["kpkg"] = main
	testscript.Main(allTests{m}, programs)
}

// allTests have programs listen to signals, and remove at the end what several of them have used.
type allTests struct{ *testing.M }

func (a allTests) Run() int {
	defer func() {
		for _, remove := range atEnd {
			remove()
		}
	}()
	// A shell has what it runs in the background ignore ^C, nohup has it ignore SIGHUP, and then kpkg does as well. Programs that
	// are started by one that catches a signal do not inherit that.
	for _, ignored := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if signal.Ignored(ignored) {
			signal.Notify(make(chan os.Signal, 1), ignored)
		}
	}
	// Much of the time goes to waiting for what is interrupted, for servers and for links, which takes no processor.
	flag.Parse()
	if parallel := flag.Lookup("test.parallel").Value; parallel.String() == fmt.Sprint(runtime.GOMAXPROCS(0)) {
		parallel.Set(fmt.Sprint(2 * runtime.GOMAXPROCS(0)))
	}
	return a.M.Run()
}

var atEnd []func()

// concurrent are the scripts for the race detector: those in which one kpkg does much at once, which are builds side by side, and
// signals in the midst of what connectors do. The others go one way through code that the tests of its own folder run under the
// detector.
var concurrent = []string{"many", "try_interrupted"}

// TestScripts drives the real program through the scripts of testdata/script.
func TestScripts(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	scriptTest = t
	folder, files := filepath.Join("..", "..", "testdata", "script"), []string(nil)
	if raced.On() {
		for _, name := range concurrent {
			files = append(files, filepath.Join(folder, name+".txtar"))
		}
		folder = ""
	}
	fetchModules(t, examples)
	toolchain := goEnv(t, "GOROOT", "GOCACHE", "GOMODCACHE")
	testscript.Run(t, testscript.Params{
		Dir:                 folder,
		Files:               files,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// The compiler's cache is the machine's, kpkg's own is the script's.
			for name, value := range toolchain {
				env.Setenv(name, value)
			}
			// For scripts that take the PATH away.
			program, err := exec.LookPath("kpkg")
			if err != nil {
				return err
			}
			for name, value := range map[string]string{
				"KPKG":     program,
				"EXAMPLES": examples,
				"PLATFORM": runtime.GOOS + "_" + runtime.GOARCH,
				"GOPROXY":  "off", "GOTOOLCHAIN": "local", "GOFLAGS": "",
				"XDG_CACHE_HOME": filepath.Join(env.WorkDir, ".cache"),
				"GORACE":         os.Getenv("GORACE"),
				// Git must not find the repository around a temporary folder.
				"GIT_CEILING_DIRECTORIES": filepath.Dir(env.WorkDir),
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "tmpfs" {
				return canMount()
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code":    code,
			"flip":    flip,
			"empty":   empty,
			"await":   await,
			"archive": archive, "report": report,
			"web":      webServer,
			"registry": startRegistry, "damage": damage,
		},
	})
}

// canMount reports whether this user may mount a small disk of their own, to fill it. Some systems allow it to root only;
// where the project's own checks run, it has to work.
func canMount() (bool, error) {
	err := exec.Command("unshare", "--map-root-user", "--mount", "true").Run()
	if err != nil && os.Getenv("CI") != "" {
		return false, fmt.Errorf("a full disk cannot be tested here: unshare: %w", err)
	}
	return err == nil, nil
}

// fetchModules brings the modules of the integrations that scripts build. The scripts have no network, so that a build which
// needs one shows; on a machine that has built nothing yet, the modules must be there before.
func fetchModules(t *testing.T, examples string) {
	t.Helper()
	modules, err := filepath.Glob(filepath.Join(examples, "*", "go.mod"))
	if err != nil || len(modules) == 0 {
		t.Fatalf("the modules of %s: %v, %v", examples, modules, err)
	}
	for _, module := range modules {
		fetch := exec.Command("go", "mod", "download")
		fetch.Dir = filepath.Dir(module)
		if out, err := fetch.CombinedOutput(); err != nil {
			t.Fatalf("fetching the modules of %s: %v\n%s", module, err, out)
		}
	}
}

func goEnv(t *testing.T, names ...string) map[string]string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	values := strings.Split(string(out), "\n") // of which some may be empty
	env := map[string]string{}
	for i, name := range names {
		env[name] = values[i]
	}
	return env
}

// code N COMMAND...: the command must exit with status N. Its output is matched by stdout and stderr.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code STATUS COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// flip FILE OFFSET: inverts one byte; a negative offset counts from the end.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	if offset < 0 {
		offset += len(data)
	}
	data[offset] ^= 0xff
	ts.Check(os.WriteFile(path, data, 0o644))
}

// empty FOLDER: there must be nothing in it, hidden files included.
func empty(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: empty FOLDER")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if (len(entries) == 0) == neg {
		ts.Fatalf("%s holds %s", args[0], fmt.Sprint(entries))
	}
}

// await PATTERN: waits for a folder of that name, or a file with something in it, as long as a busy machine may need.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await PATTERN")
	}
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		found, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		if slices.ContainsFunc(found, func(path string) bool {
			info, err := os.Stat(path)
			return err == nil && (info.IsDir() || info.Size() > 0)
		}) {
			return
		}
	}
	ts.Fatalf("there is no %s", args[0])
}

// archive FILE [PASSPHRASE]: a ptar of two snapshots, encrypted with the passphrase.
func archive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: archive FILE [PASSPHRASE]")
	}
	a := ptartest.Archive{Type: "fs", Snapshots: [][][]ptartest.File{
		{{{Path: "first", Mode: 0o644, Content: []byte("1\n")}}}, {{{Path: "second", Mode: 0o644, Content: []byte("2\n")}}},
	}}
	if len(args) == 2 {
		a.Passphrase = args[1]
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), a.Bytes(scriptTest), 0o600))
}

// web FOLDER: what is in the folder is at $WEB from now on, below $WEB/whole by a server that serves no parts of files.
func webServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: web FOLDER")
	}
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	mux := http.NewServeMux()
	mux.Handle("/", files)
	mux.HandleFunc("/whole/", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		http.StripPrefix("/whole", files).ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	ts.Defer(server.Close)
	ts.Setenv("WEB", server.URL)
}

// scriptTest is the test that runs the scripts.
var scriptTest *testing.T

// report COMMAND: the standard output of the command before is its report in JSON and nothing else, by the schema of
// reports, and the counts in it are right.
func report(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: report COMMAND")
	}
	out := ts.ReadFile("stdout")
	var content any
	ts.Check(json.Unmarshal([]byte(out), &content))
	compiled, err := jsonschema.CompileString("report.schema.json", string(schema.Report))
	ts.Check(err)
	if err := compiled.Validate(content); err != nil {
		ts.Fatalf("%#v", err)
	}
	var envelope struct {
		Command          string
		Errors, Warnings int
		Findings         []finding.Finding
	}
	ts.Check(json.Unmarshal([]byte(out), &envelope))
	if envelope.Command != args[0] {
		ts.Fatalf("the report is of %s", envelope.Command)
	}
	if errs, warnings := finding.Count(envelope.Findings, finding.Error), finding.Count(envelope.Findings, finding.Warning); errs !=
		envelope.Errors || warnings != envelope.Warnings {
		ts.Fatalf("%d errors and %d warnings are said to be %d and %d", errs, warnings, envelope.Errors, envelope.Warnings)
	}
}

// registries are those that scripts have started, by their hosts.
var registries = map[string]*ocitest.Registry{}
var registriesLock sync.Mutex

// registry [PASSWORD]: an OCI registry on $REGISTRY, which programs of the script trust, with Docker's credentials for it. With a
// password it wants them.
func startRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: registry [PASSWORD]")
	}
	r := ocitest.New(scriptTest)
	if len(args) == 1 {
		r.User, r.Password = "me", args[0]
		login := base64.StdEncoding.EncodeToString([]byte("me:" + args[0]))
		config := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, r.Host, login)
		ts.Check(os.MkdirAll(ts.MkAbs("docker"), 0o700))
		ts.Check(os.WriteFile(ts.MkAbs("docker/config.json"), []byte(config), 0o600))
	}
	ts.Check(os.WriteFile(ts.MkAbs("registry.pem"), r.Certificate(), 0o644))
	ts.Setenv("SSL_CERT_FILE", ts.MkAbs("registry.pem"))
	ts.Setenv("DOCKER_CONFIG", ts.MkAbs("docker"))
	ts.Setenv("REGISTRY", r.Host)
	registriesLock.Lock()
	defer registriesLock.Unlock()
	registries[r.Host] = r
}

// damage PREFIX: inverts a byte in every blob of the script's registry that begins so.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage PREFIX")
	}
	registriesLock.Lock()
	r := registries[ts.Getenv("REGISTRY")]
	registriesLock.Unlock()
	found := false
	r.Change(func(blob []byte) []byte {
		if !strings.HasPrefix(string(blob), args[0]) {
			return blob
		}
		found = true
		changed := []byte(string(blob))
		changed[len(changed)/2] ^= 0xff
		return changed
	})
	if !found {
		ts.Fatalf("no blob begins with %q", args[0])
	}
}
