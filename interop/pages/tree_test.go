package pages

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// source is an integration whose executable is a script, so that releases of it take no build.
type source struct {
	name, title, description, license string
	tags                              []string
	contact, homepage                 string
	connectors                        string // YAML
	schema, readme, icon, notes       string
}

func quoted(v any) string {
	data, err := json.Marshal(v) // which is YAML
	if err != nil {
		panic(err) // texts
	}
	return string(data)
}

func (s source) write(t testing.TB, dir, version string) {
	t.Helper()
	manifest := fmt.Sprintf("name: %s\ndisplay_name: %s\ndescription: %s\nlicense: %s\ntags: %s\ncontact: %s\nhomepage: %s\ntier: community\n"+
		"api_version: v1.1.0\nconnectors:\n%s", s.name, quoted(s.title), quoted(s.description), quoted(s.license), quoted(s.tags), quoted(s.contact),
		quoted(s.homepage), s.connectors)
	files := map[string]string{
		"manifest.yaml": manifest, "schema.json": s.schema, "README.md": s.readme, "LICENSE": "free", "run": "#!/bin/sh\necho " + version + "\n",
	}
	if s.icon != "" {
		files["assets/icon.svg"] = s.icon
	}
	for name, content := range files {
		put(t, filepath.Join(dir, name), content)
	}
	if err := os.Chmod(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, file, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// registry is a tree in the making.
type registry struct {
	t    testing.TB
	dir  string
	kpkg string
}

func newRegistry(t testing.TB, dir string) *registry {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r := &registry{t, dir, kpkg}
	r.run("keygen", "acme", "--no-passphrase")
	return r
}

func (r *registry) run(args ...string) string {
	r.t.Helper()
	result, err := rig.RunIn(r.t.Context(), r.dir, nil, r.kpkg, args...)
	if err != nil || result.Status != 0 {
		r.t.Fatalf("kpkg %s: %v\n%s", strings.Join(args, " "), err, result)
	}
	return result.Stdout
}

func (r *registry) tree() string { return filepath.Join(r.dir, "tree") }

// release publishes a version of each source, signed or with sums alone.
func (r *registry) release(version string, signed bool, platforms []string, sources ...source) {
	r.t.Helper()
	var dirs, files []string
	for _, s := range sources {
		dir := filepath.Join(r.dir, "sources", s.name+version)
		s.write(r.t, dir, version)
		dirs = append(dirs, dir)
	}
	args := []string{"create", "--no-build", "--quiet", "--out-dir", "packages", "--force"}
	for _, p := range platforms {
		args = append(args, "--platform", p)
	}
	r.run(append(append(args, dirs...), version)...)
	dists := filepath.Join(r.dir, "dists"+version+fmt.Sprint(signed))
	for _, s := range sources {
		folder := filepath.Join(dists, s.name)
		put(r.t, filepath.Join(folder, "recipe.yaml"), "name: "+s.name+"\nversion: "+version+"\nrepository: https://example.org/"+s.name+"\n")
		put(r.t, filepath.Join(folder, "NOTES.md"), s.notes)
		files = append(files, filepath.Join(folder, "recipe.yaml"), filepath.Join(folder, "NOTES.md"))
		for _, p := range platforms {
			name := s.name + "_" + version + "_" + strings.ReplaceAll(p, "/", "_") + ".ptar"
			if err := os.Rename(filepath.Join(r.dir, "packages", name), filepath.Join(folder, name)); err != nil {
				r.t.Fatal(err)
			}
			files = append(files, filepath.Join(folder, name))
			if p == "linux/amd64" {
				parts := name + ".cdx.json"
				put(r.t, filepath.Join(folder, parts), partsList)
				files = append(files, filepath.Join(folder, parts))
			}
		}
	}
	if signed {
		r.run(append([]string{"sign", "--quiet", "--key", "acme.sec"}, files...)...)
	} else {
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				r.t.Fatal(err)
			}
			put(r.t, file+".sum", fmt.Sprintf("SHA256 (%s) = %x\n", filepath.Base(file), sha256.Sum256(data)))
		}
	}
	r.run("index", dists, "--out-dir", "tree", "--quiet")
}

const partsList = `{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
{"type": "library", "name": "github.com/jlaffaye/ftp", "version": "v0.2.0", "licenses": [{"license": {"id": "ISC"}}]},
{"type": "library", "name": "github.com/PlakarKorp/kloset", "version": "v1.1.4", "licenses": [{"license": {"id": "ISC"}}]},
{"type": "library", "name": "golang.org/x/sys", "version": "v0.47.0", "licenses": [{"license": {"id": "BSD-3-Clause"}}]},
{"type": "library", "name": "example.org/unknown", "version": "v0.1.0"},
{"type": "file", "name": "run"}]}`

func connector(kind, class, protocols, more string) string {
	return fmt.Sprintf("- {type: %s, class: %s, executable: run, protocols: [%s], validator: schema.json%s}\n", kind, class, protocols, more)
}

const ftpSchema = `{"type": "object", "required": ["location", "username"], "properties": {
"location": {"type": "string", "description": "ftp://[USER@]HOST[:PORT][/PATH]; PATH is absolute on the server and percent-encoded"},
"username": {"type": "string", "description": "Who logs in, unless the location says it"},
"password": {"type": "string", "writeOnly": true, "description": "The user's password"},
"tls": {"type": "string", "enum": ["none", "explicit", "implicit"], "default": "none", "description": "explicit starts TLS on the usual port, implicit speaks nothing else, on port 990"},
"timeout": {"type": ["integer", "string"], "default": 30, "description": "How many seconds to wait for an answer"}}}`

const ftpReadme = "# FTP\n\nBacks up folders of an FTP server, restores to one, and keeps a store on one.\n\n" +
	"![what it looks like](docs/picture.png) and [the usage](#usage), [the protocol](https://www.rfc-editor.org/rfc/rfc959).\n\n" +
	"## Usage\n\n```sh\nplakar at /var/backups backup -o password=secret ftp://joe@ftp.example.org/pub\n```\n\n" +
	"| option | meaning |\n|---|---|\n| `tls` | how it is encrypted |\n| `password` | of the user |\n\n" +
	"> Plain FTP sends passwords in the clear.\n\n- Links are kept, as links.\n- Modes are those that the server tells.\n\n" +
	"<details><summary>More</summary>\n\nOlder servers have no `MLSD`.\n\n</details>\n"

const ftpIcon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="12" fill="#2457d6"/>` +
	`<path d="M14 22h14l4 5h18v19H14z" fill="#fff"/></svg>`

// made is the folder of the showcase, "" until it is made.
var made string

// showcase is a tree as people have them: versions, one withdrawn, a pre-release, icons and none, signed and not. It is made once, and
// tests only look at it.
func showcase(t testing.TB) (tree string) {
	t.Helper()
	if made != "" {
		return made
	}
	r := newRegistry(t, filepath.Join(dir, "showcase"))
	all := []string{"linux/amd64", "linux/arm64", "darwin/arm64"}
	ftp := source{
		name: "ftp", title: "FTP", description: "Back up folders of an FTP server, restore to one, or keep a store on one", license: "ISC",
		tags: []string{"ftp", "ftps", "server"}, contact: "Acme <plakar@example.org>", homepage: "https://example.org/ftp",
		connectors: connector("importer", "file-storage", "ftp", ", subclass: ftp"), schema: strings.Replace(ftpSchema, `, "username"]`, `]`, 1), readme: "# FTP\n",
		icon: ftpIcon, notes: "# v1.0.0\n\nThe first.\n",
	}
	r.release("v1.0.0", true, all[:2], ftp)
	r.release("v1.0.1", true, all[:2], ftp)
	ftp.connectors += connector("exporter", "file-storage", "ftp", ", subclass: ftp") + connector("storage", "file-storage", "ftp, ftps", ", subclass: ftp, location_flags: [file, nomerge]")
	ftp.schema, ftp.readme, ftp.notes = ftpSchema, ftpReadme, "# v1.1.0\n\n## Added\n\n- A restore to servers (`exporter`).\n- Stores on servers.\n"
	r.release("v1.1.0", true, all, ftp)
	ftp.notes = "# v1.2.0-rc.1\n"
	r.release("v1.2.0-rc.1", true, all, ftp)
	plain := func(name, title, class, protocols, description string, types ...string) source {
		s := source{
			name: name, title: title, description: description, license: "ISC", tags: []string{name}, contact: "who@example.org",
			homepage: "https://example.org/" + name, schema: ftpSchema, readme: "# " + title + "\n\n" + description + ".\n", notes: "# Notes\n",
		}
		for _, kind := range types {
			s.connectors += connector(kind, class, protocols, "")
		}
		return s
	}
	r.release("v1.0.0", true, all[:2],
		plain("s3", "S3", "object-storage", "s3, s3s", "Buckets of Amazon S3 and of what speaks as it does", "importer", "exporter", "storage"),
		plain("imap", "IMAP", "saas", "imap, imaps", "Mailboxes of an IMAP server, with their folders and flags", "importer", "exporter"),
		plain("postgres", "PostgreSQL", "database", "postgres", "Databases of PostgreSQL, dumped and restored as a whole", "importer", "exporter"),
		plain("sftp", "SFTP", "file-storage", "sftp", "Folders of a machine that ssh reaches", "importer", "exporter", "storage"),
		plain("proxmox", "Proxmox", "hypervisor", "proxmox", "Virtual machines of a Proxmox cluster", "importer", "exporter"),
	)
	r.release("v0.3.0", false, all[:1],
		plain("notion", "Notion", "saas", "notion", "Pages and databases of a Notion workspace", "importer"),
		plain("fs", "Folders", "file-storage", "fis", "Folders of this machine", "importer", "exporter", "storage"),
		plain("a-long-name-of-an-integration-that-goes-on", strings.Repeat("Long title ", 10), "unknown", "long", strings.Repeat("It goes on and on. ", 40), "importer"),
	)
	r.release("v2.0.0-beta.1", false, all[:1], plain("caldav", "CalDAV", "saas", "caldav, caldavs", "Calendars of a CalDAV server", "importer"))
	r.run("index", "--out-dir", "tree", "--quiet", "--withdraw", "ftp@v1.0.1", "--reason", "It lost files whose names begin with a space.")
	made = r.tree()
	return made
}
