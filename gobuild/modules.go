package gobuild

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/modules"
)

// ModuleSource says where the source of the modules in the plan's executables is.
func (p *Plan) ModuleSource(ctx context.Context) (modules.Source, error) {
	var printed bytes.Buffer
	env := append(readEnvironment(os.Environ()).passed, "PWD="+workingDir(p.Dir))
	said, err := runGo(ctx, p.Dir, env, []string{"env", "GOMODCACHE"}, &printed)
	if err != nil {
		return modules.Source{}, fmt.Errorf("asking go where its modules are: %w\n%s", err, said)
	}
	root, _ := ModuleRoot(p.Dir)
	return modules.Source{Main: root, Cache: strings.TrimSpace(printed.String())}, nil
}

// GoVersion is the version of the go that builds the plan, such as go1.26.0.
func (p *Plan) GoVersion(ctx context.Context) (string, error) {
	var printed bytes.Buffer
	env := append(readEnvironment(os.Environ()).passed, "PWD="+workingDir(p.Dir))
	said, err := runGo(ctx, p.Dir, env, []string{"env", "GOVERSION"}, &printed)
	if err != nil {
		return "", fmt.Errorf("asking go for its version: %w\n%s", err, said)
	}
	return strings.TrimSpace(printed.String()), nil
}
