package host

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// inherited are the variables that a plugin gets from its host: what finds programs, folders, the user's language, and the
// way to the network. Whatever else is in the environment, such as somebody's credentials, is not the plugin's business.
var inherited = []string{
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// inheritedWindows are those without which programs do not run there.
var inheritedWindows = []string{"SYSTEMROOT", "SYSTEMDRIVE", "TEMP", "TMP", "USERPROFILE", "USERNAME", "APPDATA",
	"LOCALAPPDATA", "PROGRAMDATA", "PATHEXT"}

// coverVariable names the folder into which executables that were built with go build -cover write what was reached in them.
// It is passed on, so that an author sees what the suite reached.
const coverVariable = "GOCOVERDIR"

func environment(more []string) []string {
	names := inherited
	if runtime.GOOS == "windows" {
		names = append(slices.Clone(names), inheritedWindows...)
	}
	env := []string{}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name)
		}
		if slices.Contains(names, name) {
			env = append(env, variable)
		}
	}
	if dir, err := filepath.Abs(os.Getenv(coverVariable)); err == nil && os.Getenv(coverVariable) != "" {
		env = append(env, coverVariable+"="+dir) // plugins run in folders of their own
	}
	return append(env, more...)
}
