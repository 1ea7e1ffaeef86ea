package git

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/internal/access"
)

// TokenVariable is the variable of the environment that holds the token for private repositories, as plakar's clients have it.
const TokenVariable = "PLAKAR_CLONE_TOKEN"

// Clone clones one tag of a repository, without its history, into the folder dir, which must not be there. With a folder, only
// that one and what stands at the top of the repository is there. The repository is a stranger's, and so is its address: only
// https, ssh and, for one of this machine, file is spoken, submodules are not cloned, and of a token that the environment
// holds, which https alone is given, nothing is shown or sent to another host. The user's own configuration of git counts.
//
// The error has git's own words. On any error nothing is left.
func Clone(ctx context.Context, repository, tag, folder, dir string) (err error) {
	repository = access.From(ctx).Take(repository)
	by, err := loginFor(ctx, repository)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) { // what is there is not this function's to remove
		return fmt.Errorf("cloning into %s: something is there", dir)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	clone := []string{"clone", "--quiet", "--depth", "1", "--single-branch", "--branch", tag, "--no-recurse-submodules"}
	if folder != "" {
		clone = append(clone, "--sparse")
	}
	if err := by.fetch(ctx, append(clone, "--", repository, dir)); err != nil {
		return fmt.Errorf("cloning %s of %s: %w", tag, access.Shown(repository), err)
	}
	if folder == "" {
		return nil
	}
	if err := by.fetch(ctx, []string{"-C", dir, "sparse-checkout", "set", folder}); err != nil {
		return fmt.Errorf("cloning the folder %s of %s: %w", folder, access.Shown(repository), err)
	}
	return nil
}

// schemes are the ways to a repository that start no program but git and ssh.
var schemes = []string{"https", "ssh", "file"}

// login is by what git comes to a repository.
type login struct {
	settings   []setting
	credential access.Credential
}

// loginFor refuses an address that a stranger should not have git go to, and returns by what it goes there: for https, what the
// user has for that host, of which the clone's token comes first.
func loginFor(ctx context.Context, repository string) (by login, err error) {
	if filepath.IsAbs(repository) {
		return login{}, nil
	}
	address, err := url.Parse(repository)
	if err != nil || !slices.Contains(schemes, address.Scheme) || strings.HasPrefix(address.Host, "-") {
		return login{}, fmt.Errorf("the repository %q is none of https://, ssh:// and file://", access.Shown(repository))
	}
	if address.Scheme != "https" {
		return login{}, nil
	}
	mine := access.From(ctx)
	if token := os.Getenv(TokenVariable); token != "" {
		by.credential = access.Basic("x-access-token", token, TokenVariable)
	} else if by.credential, err = mine.For(address); err != nil {
		return login{}, err
	}
	host := "http.https://" + address.Host + "/."
	if by.credential.Header != "" {
		by.settings = append(by.settings, setting{host + "extraHeader", "Authorization: " + by.credential.Header})
	}
	if certificate, key := os.Getenv(access.CertificateVariable), os.Getenv(access.KeyVariable); certificate != "" {
		by.settings = append(by.settings, setting{host + "sslCert", certificate}, setting{host + "sslKey", key})
	}
	if len(by.settings) > 0 {
		by.settings = append(by.settings, setting{"http.followRedirects", "false"})
	}
	if file := cmp.Or(mine.CAFile, os.Getenv("SSL_CERT_FILE")); file != "" {
		by.settings = append(by.settings, setting{"http.sslCAInfo", file})
	}
	return by, nil
}

// fetch runs git, which may ask nobody.
func (by login) fetch(ctx context.Context, args []string) error {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "GIT_") && !strings.HasPrefix(variable, TokenVariable+"=") &&
			!strings.HasPrefix(variable, access.TokenPrefix) {
			env = append(env, variable)
		}
	}
	env = append(env, "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_LFS_SKIP_SMUDGE=1", "LC_ALL=C",
		"GIT_ALLOW_PROTOCOL="+strings.Join(schemes, ":"), "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(env, asEnvironment(by.settings)...)
	cmd.WaitDelay = time.Second / 2
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("git is not in PATH")
	case err == nil:
		return nil
	}
	lines := strings.FieldsFunc(said.String(), func(r rune) bool { return r == '\n' || r == '\r' })
	text := by.credential.Hide(strings.Join(lines, "; "))
	if text == "" {
		return fmt.Errorf("git: %w", err)
	}
	return errors.New(text)
}
