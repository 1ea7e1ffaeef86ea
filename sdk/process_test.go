package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// Printed by the initialization of a package, as the banner of a library is, before main has begun.
var _ = func() bool {
	if os.Getenv(pluginEnv) == "talkative" {
		fmt.Println("printed by an initialization")
	}
	return true
}()

// talkative is an importer that prints wherever it can, waits when asked to, and says when it is closed.
func talkative(
	_ context.Context, _ *connectors.Options, _ string, config map[string]string,
) (Importer, error) {
	fmt.Println("printed by the constructor")
	os.Stdout.WriteString("printed by os.Stdout\n")
	if n, err := os.Stdin.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, fmt.Errorf("standard input has %d bytes, %v", n, err)
	}
	echo := exec.Command("echo", "printed by a child")
	echo.Stdout = os.Stdout
	if err := echo.Run(); err != nil {
		return nil, err
	}
	return &source{
		importFn: func(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
			defer close(records)
			fmt.Println("printed by Import")
			records <- file("/a", "A")
			switch config["then"] {
			case "heed":
				<-ctx.Done()
				return ctx.Err()
			case "ignore":
				time.Sleep(time.Hour)
			}
			return nil
		},
		close: func(context.Context) error {
			fmt.Println("closed")
			if config["close"] == "hang" {
				time.Sleep(time.Hour)
			}
			return nil
		},
	}, nil
}

func TestPrinting(t *testing.T) {
	p := execute(t, command("talkative"))
	imp := p.importer(t, "test", nil)
	all, err := readAll(t.Context(), imp)
	if err != nil || string(all.content["/a"]) != "A" {
		t.Error(all.content, err)
	}
	p.end(t)
	for _, by := range []string{"an initialization", "the constructor", "os.Stdout", "a child", "Import"} {
		if !strings.Contains(p.stderr.String(), "printed by "+by) {
			t.Errorf("what %s printed is not on standard error: %s", by, p.stderr)
		}
	}
}

// TestInitialization checks that the descriptors are taken away before anything can print through package os.
func TestInitialization(t *testing.T) {
	executable := filepath.Join(t.TempDir(), "light")
	if out, err := exec.Command("go", "build", "-o", executable, "./internal/minimal/light").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, _ := cmd.CombinedOutput()
	order := make(map[string]int)
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "init" {
			order[words[1]] = len(order) + 1
		}
	}
	const claim = "github.com/PlakarKorp/kpkg/sdk/internal/claim"
	for _, later := range []string{"internal/poll", "os"} {
		if order[claim] == 0 || order[later] == 0 || order[claim] > order[later] {
			t.Errorf("%s is number %d and %s number %d of\n%s", claim, order[claim], later, order[later], out)
		}
	}
	imports, err := exec.Command("go", "list", "-f", "{{.Imports}}", "./internal/claim").Output()
	if err != nil || strings.TrimSpace(string(imports)) != "[syscall]" {
		t.Errorf("package claim imports %s, %v: it must not wait for more than syscall", imports, err)
	}
}

// TestEnd ends plugins in the ways they end: whatever the importer does, Close runs and the process is gone.
func TestEnd(t *testing.T) {
	const hung = 15 * time.Second
	for _, then := range []string{"", "heed", "ignore", "hang"} {
		for how, test := range map[string]struct {
			end  func(*process)
			code int
		}{
			"host dies": {func(p *process) { p.pipes.Close() }, 0},
			"SIGTERM":   {func(p *process) { p.cmd.Process.Signal(syscall.SIGTERM) }, 128 + 15},
			"SIGINT":    {func(p *process) { p.cmd.Process.Signal(os.Interrupt) }, 128 + 2},
		} {
			t.Run(how+" "+then, func(t *testing.T) {
				t.Parallel()
				config := map[string]string{"then": then}
				if then == "hang" {
					config["close"] = "hang"
				}
				p := execute(t, command("talkative"))
				imp := p.importer(t, "test", config)
				records := make(chan *connectors.Record)
				results := make(chan *connectors.Result)
				imported := make(chan error, 1)
				go func() { imported <- imp.Import(t.Context(), records, results) }()
				(<-records).Close()
				time.Sleep(100 * time.Millisecond)

				test.end(p)
				ended := make(chan bool)
				timer := time.AfterFunc(hung, func() {
					t.Error("the process is still there")
					p.cmd.Process.Kill()
				})
				go func() {
					p.cmd.Wait()
					close(ended)
				}()
				<-ended
				timer.Stop()
				if code := p.cmd.ProcessState.ExitCode(); code != test.code {
					t.Errorf("exit code %d, want %d", code, test.code)
				}
				if !strings.Contains(p.stderr.String(), "closed") {
					t.Error("Close did not run")
				}
				close(results)
				for range records {
				}
				if err := <-imported; err == nil && then != "" && then != "hang" {
					t.Error("the import succeeded")
				}
			})
		}
	}
}

// TestBrokenStandardError checks that printing after the host's death does not keep Close from running.
func TestBrokenStandardError(t *testing.T) {
	closed := t.TempDir() + "/closed"
	cmd := command("writes file on Close")
	stderr, stderrWriter := pipe(t)
	cmd.Stderr = stderrWriter
	p := execute(t, cmd)
	p.importer(t, "test", map[string]string{"file": closed})
	stderrWriter.Close()
	stderr.Close()
	p.pipes.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(closed); err != nil {
		t.Error(err)
	}
}

func TestByHand(t *testing.T) {
	for name, test := range map[string]struct {
		plugin string
		args   []string
		stdin  io.Reader
		pipe   bool // standard output is a pipe
		want   string
	}{
		"no input":       {plugin: "fs importer", pipe: true, want: "plugin for plakar: an importer"},
		"output is file": {plugin: "fs exporter", stdin: strings.NewReader(""), want: "plugin for plakar: an exporter"},
		"another input": {
			plugin: "fs storage", stdin: strings.NewReader("hello\n"), pipe: true, want: "plugin for plakar: a storage",
		},
		"no argument":     {plugin: "fs", stdin: strings.NewReader(""), pipe: true, want: "importer or exporter or storage"},
		"wrong argument":  {plugin: "fs", args: []string{"import"}, want: "importer or exporter or storage"},
		"help":            {plugin: "fs", args: []string{"--help"}, want: "nothing to do with it by hand"},
		"entry point":     {plugin: "entry point", args: []string{"x"}, want: "takes no arguments"},
		"right arguments": {plugin: "fs", args: []string{"storage"}, want: "plugin for plakar: a storage"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := command(test.plugin)
			cmd.Args = append(cmd.Args, test.args...)
			var stdout, stderr buffer
			cmd.Stdin, cmd.Stderr = test.stdin, &stderr
			if test.pipe {
				cmd.Stdout = &stdout
			}
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("%v, want exit status 2", err)
			}
			if !strings.Contains(stderr.String(), test.want) || stdout.String() != "" {
				t.Errorf("says %q and prints %q, want %q", &stderr, &stdout, test.want)
			}
		})
	}
}

func init() {
	plugins["talkative"] = func() { RunImporter(talkative) }
	plugins["entry point"] = func() { EntrypointImporter(os.Args, talkative) }
	plugins["writes file on Close"] = func() {
		RunImporter(func(
			_ context.Context, _ *connectors.Options, _ string, config map[string]string,
		) (Importer, error) {
			return &source{close: func(context.Context) error {
				for range 3 {
					fmt.Println("nobody hears this")
				}
				return os.WriteFile(config["file"], nil, 0o600)
			}}, nil
		})
	}
}
