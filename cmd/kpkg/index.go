package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

func newIndexCommand() *cobra.Command {
	var tree, withdraw, reason, location, base, show string
	var keys, trusted publicKeys
	var words passphrase
	cmd := &cobra.Command{
		Use:   "index [DIST...]",
		Short: "Put releases into a registry of static files, or check one",
		Long: `Put releases, as kpkg release writes them, into a tree of files that any web server serves and plakar's
newer clients install from: index, recipes, packages, READMEs, icons, sums and signatures. A tree that
is there keeps its older versions; what is published under a version does not change. All releases are
checked before anything of the tree changes, and what an interrupted run has left undone is done.

With --key SECRET, what the tree says is signed, and releases must be, with that key or one of --trust.
Pre-releases are listed apart. --withdraw NAME@VERSION --reason TEXT marks a version as one that is no
longer to be had; its files stay.

The tree is a site too: index.html lists and searches the integrations, each has a page, and feed.atom tells
of new versions. They open from the folder; --serve shows them at an address of this machine. With
--base-url URL, where they are served, there is a sitemap; later runs keep it.

--check holds a tree, a folder or the address of one, to itself and to the keys of --key PUB: whatever
is stale, missing, unsigned or does not open is named, and what is older than was seen at the check
before. docs/registry.md says how trees get to where they are served.

Exit status: 0 fine; 1 the check found errors; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg index dist --out-dir tree --key acme-2026.sec
  kpkg index --out-dir tree --key acme-2026.sec \
      --withdraw ftp@v1.2.3 --reason "loses files"
  kpkg index --serve tree
  kpkg index --check https://packages.example.org/acme --key acme-2026.pub`,
	}
	flags := cmd.Flags()
	flags.StringVar(&tree, "out-dir", "", "`TREE`, the folder of the registry")
	flags.Var(&keys, "key", "sign with the secret key in `FILE`; with --check, a public key, which may be repeated")
	words.addFlag(cmd)
	flags.Var(&trusted, "trust", "take releases that are signed with the public key in `FILE` too; may be repeated")
	flags.StringVar(&withdraw, "withdraw", "", "mark `NAME@VERSION` as no longer to be had")
	flags.StringVar(&reason, "reason", "", "`TEXT` that says why it is withdrawn")
	flags.StringVar(&location, "check", "", "check the tree in the folder or at the address `TREE`")
	flags.StringVar(&base, "base-url", "", "`URL` that the tree is served at, for its sitemap")
	flags.StringVar(&show, "serve", "", "show the pages of the tree in the folder `TREE`, to this machine alone")
	format := formatFlag(cmd)
	completeFolders(cmd, "out-dir")
	completeFolders(cmd, "serve")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case show != "" && (tree != "" || location != "" || len(args) > 0 || withdraw != "" || reason != "" || len(keys) > 0 ||
			len(trusted) > 0 || words.file != "" || base != "" || cmd.Flags().Changed("format")):
			return usagef("--serve takes the tree, and nothing else")
		case show != "":
			return serveTree(cmd, show)
		case location != "" && (tree != "" || len(args) > 0 || withdraw != "" || len(trusted) > 0 || words.file != "" || base != ""):
			return usagef("--check takes the tree and --key PUB, and nothing else")
		case location == "" && tree == "":
			return usagef("--out-dir is missing: kpkg index [DIST...] --out-dir TREE")
		case (withdraw == "") != (reason == ""):
			return usagef("--withdraw NAME@VERSION and --reason TEXT go together")
		case withdraw != "" && len(args) > 0:
			return usagef("withdraw a version, or put releases into the tree: not both at once")
		case location == "" && len(keys) > 1:
			return usagef("a tree is signed with one key; give others that releases may have with --trust PUB")
		}
		if location != "" {
			return checkTree(cmd, format, location, keys)
		}
		opts := registry.Options{Tree: tree}
		var err error
		if base != "" {
			if opts.Base, err = registry.BaseURL(base); err != nil {
				return usagef("--base-url: %v", err)
			}
		}
		if opts.Trusted, err = release.ReadPublicKeys(trusted); err != nil {
			return err
		}
		key := keyFlag{words: words}
		if len(keys) == 1 {
			key.file = keys[0]
		}
		if opts.Key, err = key.open(cmd); err != nil {
			return err
		}
		var changes []registry.Change
		if withdraw != "" {
			name, version, found := strings.Cut(withdraw, "@")
			if !found || name == "" || version == "" {
				return usagef("--withdraw %s: it takes NAME@VERSION, as in ftp@v1.2.3", finding.Cut(withdraw))
			}
			var change registry.Change
			change, err = registry.Withdraw(cmd.Context(), name, version, reason, opts)
			if err == nil {
				changes = append(changes, change)
			}
		} else {
			changes, err = registry.Add(cmd.Context(), args, opts)
		}
		report := registry.Report(changes, nil, err)
		report.Show = func(out io.Writer) error { return printChanges(out, changes, tree, err) }
		return errors.Join(format.write(cmd, report), err)
	}
	return cmd
}

// printChanges shows what became of each version.
func printChanges(out io.Writer, changes []registry.Change, tree string, err error) error {
	if err != nil || screen.quiet {
		return nil
	}
	for _, c := range changes {
		line := fmt.Sprintf("%s  %s %s", c.What, c.Name, c.Version)
		if !c.Offered && c.What != registry.Withdrawn {
			line += "  (not offered: a newer one is)"
		}
		fmt.Fprintln(out, finding.Printable(line))
	}
	if err := printVerdict(out, true, "%s in %s", english.Plural(len(changes), "version", ""), tree); err != nil {
		return err
	}
	return printNext(out, "kpkg index --check "+tree)
}

// serveTree shows a tree to this machine until ^C.
func serveTree(cmd *cobra.Command, tree string) error {
	if info, err := os.Stat(tree); err != nil {
		return fmt.Errorf("opening the tree: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("opening the tree: %s is no folder", tree)
	}
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "http://%s/\n", listener.Addr())
	return serveUntil(cmd.Context(), listener, registry.Handler(tree))
}

// checkTree checks a tree and shows what was found.
func checkTree(cmd *cobra.Command, format *format, location string, keys publicKeys) error {
	trust, err := release.ReadPublicKeys(keys)
	if err != nil {
		return err
	}
	seen, err := seenFile(location)
	if err != nil {
		return err
	}
	checked, err := registry.Check(cmd.Context(), location, registry.CheckOptions{Trust: release.Trust{Keys: trust}, SeenFile: seen})
	report := registry.Report(nil, checked, err)
	report.Show = func(out io.Writer) error {
		if err != nil {
			return nil
		}
		if err := printShown(out, report.Findings, nil); err != nil {
			return err
		}
		return printVerdict(out, !finding.HasErrors(report.Findings), "%s: %s, %s, %s, %s in %s; %s", location,
			english.Plural(checked.Integrations, "integration", ""), english.Plural(checked.Versions, "version", ""),
			english.Plural(checked.Packages, "package", ""), humanize.IBytes(uint64(checked.Bytes)),
			english.Plural(checked.Files, "file", ""), finding.Tally(report.Findings))
	}
	if err := errors.Join(format.write(cmd, report), err); err != nil {
		return err
	}
	return verdict(report)
}

// seenFile is where it is remembered what was seen of a tree: in the user's folder for state (XDG Base Directory), not in a
// cache, which may be emptied.
func seenFile(location string) (string, error) {
	if !strings.Contains(location, "://") {
		var err error
		if location, err = filepath.Abs(location); err != nil {
			return "", err
		}
	}
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("looking for the folder in which to remember what was seen: %w", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	sum := sha256.Sum256([]byte(strings.TrimRight(location, "/")))
	return filepath.Join(dir, "kpkg", "registries", hex.EncodeToString(sum[:16])+".json"), nil
}
