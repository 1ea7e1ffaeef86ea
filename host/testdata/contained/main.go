// Contained is a plugin that says what it can do where it runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/PlakarKorp/kloset/connectors"

	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	fmt.Println("printed by main")
	sdk.RunImporter(func(_ context.Context, _ *connectors.Options, _ string, config map[string]string) (sdk.Importer, error) {
		var told []string
		tell := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
		tell("uid %d of %d", os.Getuid(), os.Getgid())
		tell("args %v", os.Args[1:])
		tell("home %s", os.Getenv("HOME"))
		tell("secret %q", os.Getenv("AWS_SECRET_ACCESS_KEY"))
		status, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") {
				tell("%s", strings.Join(strings.Fields(line), " "))
			}
		}
		for _, path := range []string{"/x", "/plugin/x", "/etc/passwd", "/dev/x", "/tmp/x", "/dev/null"} {
			err := os.WriteFile(path, []byte("x"), 0o600)
			tell("%s %v", path, errors.Unwrap(err))
		}
		tell("setuid refused %t", syscall.Setuid(0) != nil) // in other words where there is no user 0
		tell("mount %v", syscall.Mount("tmpfs", "/tmp", "tmpfs", 0, ""))
		_, err := os.Stat(config["outside"])
		tell("outside %t", errors.Is(err, fs.ErrNotExist))
		return nil, errors.New(strings.Join(told, "; "))
	})
}
