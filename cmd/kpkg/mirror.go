package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/oci"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

func newMirrorCommand() *cobra.Command {
	var opts registry.MirrorOptions
	var chosen platforms
	var keys publicKeys
	cmd := &cobra.Command{
		Use:   "mirror REGISTRY|oci://HOST/REPO [NAME...]",
		Short: "Copy a registry, or a part of it, for machines without a network",
		Long: `Copy a registry of kpkg index, by its address or in a folder, or what was published to an OCI registry, into a
tree of files: all integrations or those named, packages for all platforms or those of --platform. Any web
server serves the tree, and packages install from the folder. Each file is held to its sum, with --key to
its signature, and each package is verified, before it has a place in the tree. Signatures are kept as they
are; the mirror signs nothing.

Run again, it brings the tree up to date: what is there, or was fetched before an interruption, is not
fetched again. A registry that is older than the mirror, or has other bytes under a version, is refused.

Exit status: 0 the mirror is up to date; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg mirror https://packages.example.org/acme \
      --out-dir mirror --key acme-2026.pub
  kpkg mirror oci://registry.example.org/acme \
      --out-dir mirror --platform linux/amd64 ftp`,
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.Tree, "out-dir", "", "`TREE`, the folder of the mirror")
	flags.Var(&keys, "key", "hold signatures to the public key in `FILE`, and refuse what is not signed; may be repeated")
	flags.Var(&chosen, "platform", "`OS/ARCH` whose packages are mirrored, or all; may be repeated (default all)")
	format := formatFlag(cmd)
	completeFolders(cmd, "out-dir")
	completeValues(cmd, "platform", platformValues()...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if opts.Tree == "" {
			return usagef("--out-dir is missing: kpkg mirror REGISTRY [NAME...] --out-dir TREE")
		}
		var err error
		if opts.Trust.Keys, err = release.ReadPublicKeys(keys); err != nil {
			return err
		}
		opts.Names, opts.Platforms, opts.Progress = args[1:], chosen.chosen, showFiles(cmd, "fetching")
		mirrored, err := mirror(cmd.Context(), args[0], opts)
		report := &finding.Report{Command: "mirror", Lists: []finding.List{finding.NewList("mirrored", mirrored)}}
		if err != nil {
			report.Fail("", err)
		}
		report.Show = func(out io.Writer) error { return printMirrored(out, mirrored, opts.Tree, err) }
		return errors.Join(format.write(cmd, report), err)
	}
	return cmd
}

func mirror(ctx context.Context, location string, opts registry.MirrorOptions) ([]registry.Mirrored, error) {
	origin, err := mirrorOrigin(ctx, location, &opts)
	if err != nil {
		return nil, err
	}
	return registry.Mirror(ctx, origin, opts)
}

// mirrorOrigin is what is mirrored, by its address.
func mirrorOrigin(ctx context.Context, location string, opts *registry.MirrorOptions) (registry.Origin, error) {
	opts.Trust.Require = len(opts.Trust.Keys) > 0
	if !oci.IsAddress(location) {
		return registry.OpenOrigin(location, opts.Trust)
	}
	address, err := oci.ParseAddress(location)
	if err != nil {
		return nil, usageError{err}
	}
	access, err := ociAccess(ctx)
	if err != nil {
		return nil, err
	}
	return oci.NewOrigin(ctx, address, opts.Names, access)
}

// printMirrored shows what became of each integration.
func printMirrored(out io.Writer, mirrored []registry.Mirrored, tree string, err error) error {
	if err != nil || screen.quiet {
		return nil
	}
	files, bytes := 0, int64(0)
	for _, m := range mirrored {
		files, bytes = files+m.Files, bytes+m.Bytes
		line := fmt.Sprintf("%s  %s %s", m.What, m.Name, m.Version)
		if m.Version == "" {
			line = fmt.Sprintf("%s  %s  (no version is offered)", m.What, m.Name)
		}
		fmt.Fprintln(out, finding.Printable(line))
	}
	if err := printVerdict(out, true, "%s in %s, %s fetched, %s", english.Plural(len(mirrored), "integration", ""), tree,
		english.Plural(files, "file", ""), humanize.IBytes(uint64(bytes))); err != nil {
		return err
	}
	return printNext(out, "kpkg index --check "+tree)
}
