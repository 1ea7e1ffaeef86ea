package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	upstreamSDK = "github.com/PlakarKorp/go-kloset-sdk"
	kpkgModule  = "github.com/PlakarKorp/kpkg"
)

// build makes the package of a plugin on one of the SDKs, and returns its path. To kpkg's SDK it goes by one import path in
// each main, and go mod tidy.
func (t *trial) build(ctx context.Context, p plugin, kpkgSDK bool) (string, error) {
	tree := filepath.Join(t.dir, p.name+"-"+sdkName(kpkgSDK))
	var err error
	if p.wrapped != "" {
		err = wrap(tree, p)
	} else {
		err = os.CopyFS(tree, os.DirFS(filepath.Join(t.upstream, p.name)))
	}
	if err != nil {
		return "", err
	}
	for _, edit := range p.edits {
		if err := command(ctx, tree, "go", append([]string{"mod", "edit"}, edit...)...); err != nil {
			return "", err
		}
	}
	if kpkgSDK {
		if err := replaceImport(tree); err != nil {
			return "", err
		}
		if err := command(ctx, tree, "go", "mod", "edit", "-droprequire="+upstreamSDK, "-require="+kpkgModule+"@v0.0.0",
			"-replace="+kpkgModule+"="+t.root); err != nil {
			return "", err
		}
	}
	if kpkgSDK || len(p.edits) > 0 || p.wrapped != "" {
		if err := command(ctx, tree, "go", "mod", "tidy"); err != nil {
			return "", err
		}
	}
	for name, main := range p.mains {
		if err := command(ctx, tree, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", name, main); err != nil {
			return "", err
		}
	}
	out := filepath.Join(t.dir, p.name+"-"+sdkName(kpkgSDK)+"-package")
	if err := command(ctx, tree, t.kpkg, "create", ".", "v9.9.9", "--no-build", "--out-dir", out); err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(out, "*.ptar"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("%d packages: %w", len(found), err)
	}
	return found[0], nil
}

// replaceImport writes kpkg's SDK for upstream's into the mains.
func replaceImport(tree string) error {
	return filepath.WalkDir(tree, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(data), `"`+upstreamSDK+`"`) {
			return err
		}
		text := strings.ReplaceAll(string(data), `"`+upstreamSDK+`"`, `"`+kpkgModule+`/sdk"`)
		return os.WriteFile(name, []byte(text), 0o644)
	})
}

// wrap writes the tree of a plugin that is plakar's built-in connectors, a main of a few lines each.
func wrap(tree string, p plugin) error {
	var connectors strings.Builder
	files := map[string]string{
		"go.mod": "module example.org/" + p.name + "\n\ngo 1.26\n\nrequire (\n\t" + p.wrapped + "\n\t" + upstreamSDK + " v1.1.0\n)\n",
	}
	module, _, _ := strings.Cut(p.wrapped, " ")
	for name, constructor := range p.constructors {
		kind := strings.ToUpper(name[:1]) + name[1:]
		files["plugin/"+name+"/main.go"] = fmt.Sprintf("package main\n\nimport (\n\t\"os\"\n\n\tsdk %q\n\t%q\n)\n\n"+
			"func main() { sdk.Entrypoint%s(os.Args, %s.%s) }\n", upstreamSDK, module+"/"+name, kind, name, constructor)
		fmt.Fprintf(&connectors, "- {type: %s, executable: %s, protocols: [%s], class: file-storage, location_flags: %s}\n",
			name, name, p.protocol, p.flags)
	}
	files["manifest.yaml"] = "name: " + p.name + "\ndisplay_name: Built-in\ndescription: plakar's own connectors as a plugin\n" +
		"homepage: https://example.org\nlicense: ISC\napi_version: v1.1.0\nconnectors:\n" + connectors.String()
	for name, content := range files {
		path := filepath.Join(tree, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
