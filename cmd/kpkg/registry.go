package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/install"
	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/trust"
)

// registryVariable names the registry of those who give no --registry.
const registryVariable = "KPKG_REGISTRY"

// origin is where packages are taken from, and whose signatures count.
type origin struct {
	location string
	keys     publicKeys
	root     string

	given  []*release.PublicKey
	folder trust.Folder
	opened *registry.Registry
}

func (o *origin) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.location, "registry", "",
		"take NAMEs from the registry at `ADDRESS`, or in a folder (default $"+registryVariable+")")
	cmd.Flags().Var(&o.keys, "key", "the public key in `FILE` counts too, beside those of kpkg trust; may be repeated")
}

// read reads the keys: whoever makes the image of a machine goes by their own.
func (o *origin) read() (err error) {
	if o.given, err = release.ReadPublicKeys(o.keys); err != nil {
		return err
	}
	o.folder, err = trust.UserFolder("")
	return err
}

// keysFor are the keys that count at a place.
func (o *origin) keysFor(place string) ([]*release.PublicKey, error) {
	trusted, err := o.folder.For(trust.Place(place))
	return append(trusted, o.given...), err
}

// all are the keys that count anywhere.
func (o *origin) all() ([]*release.PublicKey, error) {
	trusted, err := o.folder.Keys()
	keys := o.given
	for _, key := range trusted {
		keys = append(keys, key.Public)
	}
	return keys, err
}

// named tells whether there is a registry.
func (o *origin) named() bool { return o.location != "" || os.Getenv(registryVariable) != "" }

// open opens the registry, once. Where there are findings, it is not to be used. Of a registry of which no key is trusted, the
// key is shown to who sits at the terminal, if they may be asked.
func (o *origin) open(ctx context.Context, ask bool) (*registry.Registry, []finding.Finding, error) {
	if o.opened != nil {
		return o.opened, nil, nil
	}
	location := cmp.Or(o.location, servers.Take(os.Getenv(registryVariable)))
	if location == "" {
		return nil, nil, usagef("a NAME is taken from a registry: give --registry ADDRESS, or set %s", registryVariable)
	}
	place := location
	if access.IsAddress(location) {
		place = strings.TrimRight(location, "/") + "/" + registry.Edition
	}
	keys, err := o.keysFor(place)
	if err != nil {
		return nil, nil, err
	}
	if len(keys) == 0 {
		finding, err := o.introduce(ctx, location, ask)
		if finding != nil || err != nil {
			return nil, finding, err
		}
		if keys, err = o.keysFor(place); err != nil {
			return nil, nil, err
		}
	}
	seen, err := seenFile(location)
	if err != nil {
		return nil, nil, err
	}
	opened, findings, err := registry.Open(ctx, location, keys, seen)
	if err != nil || finding.HasErrors(findings) {
		return nil, findings, err
	}
	o.opened = opened
	return opened, nil, nil
}

// introduce shows the key of a registry of which none is trusted, and has it trusted if that is what is said at the terminal.
func (o *origin) introduce(ctx context.Context, location string, ask bool) ([]finding.Finding, error) {
	scope := access.Shown(location)
	if !access.IsAddress(location) {
		scope = trust.Local
	}
	untrusted := install.Untrusted(scope)
	untrusted.File = access.Shown(location)
	key, data, err := registry.ReadKey(ctx, location)
	if errors.Is(err, fs.ErrNotExist) {
		return []finding.Finding{untrusted}, nil
	}
	if err != nil {
		return nil, err
	}
	at := strings.TrimRight(access.Shown(location), "/") + "/" + registry.KeyName
	untrusted.Message = finding.Sprintf("no key is trusted for it; it says that its key is %s (%s)", key.ID, key.Comment)
	untrusted.Hint = fmt.Sprintf("make sure by another way that this key is its maker's, then: kpkg trust add %s --scope %s", at, scope)
	if !ask {
		return []finding.Finding{untrusted}, nil
	}
	line := strings.TrimSpace(string(data[strings.IndexByte(string(data), '\n')+1:]))
	yes, err := confirm(ctx, finding.Printable(fmt.Sprintf("No key is trusted for %s. It says that its key is", untrusted.File))+"\n"+
		"  "+line+"  "+finding.Printable(key.ID.String()+" ("+finding.Cut(key.Comment)+")")+"\n"+
		"Compare it with what its maker has published elsewhere. Trust it from now on? [y/N] ")
	if err != nil || !yes {
		return []finding.Finding{untrusted}, nil
	}
	scopes, err := trust.ParseScope(scope)
	if err != nil {
		return nil, err
	}
	_, err = o.folder.Add(keyName(registry.KeyName, key), data, []trust.Scope{scopes})
	return nil, err
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// keyName is the name of the file of a key: as it was called, or where that says nothing by its comment, or its id.
func keyName(file string, key *release.PublicKey) string {
	if file != registry.KeyName {
		return file
	}
	name := strings.TrimSuffix(key.Comment, " public key")
	if !plainName.MatchString(name) {
		name = key.ID.String()
	}
	return name + release.PublicExtension
}

// confirm asks who sits at the terminal, and takes all but a yes for a no.
func confirm(ctx context.Context, question string) (bool, error) {
	terminal, err := openTerminal()
	if err != nil {
		return false, err
	}
	fmt.Fprint(terminal, question)
	answered := make(chan string, 1)
	go func() {
		var answer [256]byte
		n, _ := terminal.Read(answer[:])
		answered <- strings.ToLower(strings.TrimSpace(string(answer[:n])))
		terminal.Close()
	}()
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case answer := <-answered:
		return answer == "y" || answer == "yes", nil
	}
}

// asName takes an argument for NAME or NAME@VERSION of a registry. What is a file or a folder too is that, unless names go first.
func asName(arg string, first bool) (name, version string, ok bool) {
	name, version, _ = strings.Cut(arg, "@")
	id := manifest.Identity{Name: name, Version: "v1.0.0", OS: "linux", Arch: "amd64"}
	if _, err := manifest.ParseFileName(id.FileName()); err != nil || !first && exists(arg) {
		return "", "", false
	}
	return name, version, true
}
