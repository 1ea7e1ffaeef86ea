package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/install"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/oci"
	"github.com/PlakarKorp/kpkg/release"
)

func newInstallCommand() *cobra.Command {
	var opts install.Options
	var chosen platforms
	var keys publicKeys
	var root string
	cmd := &cobra.Command{
		Use:   "install PACKAGE|TREE|oci://HOST/REPO[:VERSION]...",
		Short: "Put packages where plakar finds them",
		Long: `Install packages for this user's plakar, or what is built of integrations' trees, for their authors. An
address oci://HOST/REPO:VERSION is of what kpkg publish has put there: of it the package for this machine is
taken, without a version that of the newest.
Each package is held to the sum beside it, and to its signature when --key says whose counts; it is
verified and extracted before anything that is installed is touched. A newer version takes the
place of an older one: first it is there, then the other goes.

Refused are a package that has errors or is for another platform, an older version, the installed
version with other bytes, and a protocol that another integration serves. A tree replaces the
version it has; without one it is v0.0.0.

With --root the folders are those below DIR, for the image of a machine.

Exit status: 0 installed, or there already; 1 a package was refused; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg install ftp_v1.2.3_linux_amd64.ptar
  kpkg install --key acme-2026.pub --require-signature dist/*_linux_amd64.ptar
  kpkg install oci://registry.example.org/acme/ftp:v1.2.3 --key acme-2026.pub
  kpkg install .`,
		ValidArgsFunction: completeInputs,
	}
	format := formatFlag(cmd)
	flags := cmd.Flags()
	flags.Var(&keys, "key", "hold signatures to the public key in `FILE`; may be repeated")
	flags.BoolVar(&opts.Trust.Require, "require-signature", false, "refuse what has no sum or signature")
	flags.BoolVar(&opts.Downgrade, "allow-downgrade", false, "replace a newer version")
	flags.BoolVar(&opts.Force, "force", false, "replace the same version with other bytes")
	flags.Var(&chosen, "platform", "`OS/ARCH` of the machine, with --root (default this machine's)")
	rootFlag(cmd, &root)
	completeValues(cmd, "platform", platformValues()[1:]...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case opts.Trust.Require && len(keys) == 0:
			return usagef("--require-signature takes the keys that signatures are held to: --key PUB")
		case chosen.all || len(chosen.chosen) > 1:
			return usagef("--platform is that of one machine")
		case len(chosen.chosen) == 1 && root == "":
			return usagef("--platform is for the image of another machine, whose folder --root names")
		case len(chosen.chosen) == 1:
			opts.Platform = chosen.chosen[0]
		}
		var err error
		if opts.Trust.Keys, err = release.ReadPublicKeys(keys); err != nil {
			return err
		}
		folders, err := install.UserFolders(root)
		if err != nil {
			return err
		}
		store, err := install.Open(cmd.Context(), folders)
		if err != nil {
			return err
		}
		defer store.Close()
		report := &finding.Report{Command: "install"}
		var results []*install.Result
		for _, path := range args {
			result, err := installOne(cmd.Context(), store, path, opts)
			if err != nil {
				if format.isText() || cmd.Context().Err() != nil {
					printError(cmd.ErrOrStderr(), err)
				}
				report.Fail(path, err)
				if cmd.Context().Err() != nil {
					break
				}
				continue
			}
			result.Findings = append([]finding.Finding{}, report.Add(result.Findings...)...)
			report.Cases = append(report.Cases, finding.RuleCases(path, "install", result.Findings)...)
			results = append(results, result)
		}
		report.Lists = []finding.List{finding.NewList("installs", results)}
		report.Show = func(out io.Writer) error { return printInstalls(out, results) }
		if err := format.write(cmd, report); err != nil {
			return err
		}
		return verdict(report)
	}
	return cmd
}

// rootFlag adds --root.
func rootFlag(cmd *cobra.Command, root *string) {
	cmd.Flags().StringVar(root, "root", "", "`DIR` that plakar's folders are below (default this machine's)")
	completeFolders(cmd, "root")
}

// installOne installs a package, or the one that is made of a tree.
func installOne(ctx context.Context, store *install.Store, path string, opts install.Options) (_ *install.Result, err error) {
	if oci.IsAddress(path) {
		source, err := fromOCI(ctx, path, opts)
		if err != nil {
			return nil, err
		}
		return store.Install(ctx, source, opts)
	}
	if !host.IsSource(path) {
		return store.Install(ctx, install.FileSource(path), opts)
	}
	dir, err := scratch.Make("install")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	source, findings, err := install.Build(ctx, path, dir.Path, cacheDir())
	if err != nil {
		return nil, err
	}
	if source.Name == "" {
		return &install.Result{Source: path, Action: install.Refused, Removed: []string{}, Findings: findings}, nil
	}
	opts.Force = true
	return store.Install(ctx, source, opts)
}

// fromOCI is the package for the machine in a repository.
func fromOCI(ctx context.Context, reference string, opts install.Options) (install.Source, error) {
	address, err := oci.ParseAddress(reference)
	if err != nil {
		return install.Source{}, err
	}
	access, err := ociAccess(ctx)
	if err != nil {
		return install.Source{}, err
	}
	machine := opts.Platform
	if machine == (executable.Platform{}) {
		machine = executable.Host()
	}
	found, err := oci.Find(ctx, address, machine, access, opts.Trust)
	if err != nil {
		return install.Source{}, err
	}
	return install.Source{Name: found.FileName(), Label: found.Reference, Open: found.Open, Beside: found.Beside}, nil
}

// printInstalls shows what was found and, in a line each, what came of it.
func printInstalls(out io.Writer, results []*install.Result) error {
	for _, r := range results {
		if err := printShown(out, r.Findings, nil); err != nil {
			return err
		}
		line := fmt.Sprintf("%s  %s %s", r.Action, r.Name, r.Version)
		if r.Name == "" {
			line = fmt.Sprintf("%s  %s", r.Action, r.Source)
		}
		if len(r.Removed) > 0 {
			line += ", in place of " + strings.Join(r.Removed, ", ")
		}
		if r.Signature != nil {
			line += fmt.Sprintf("  signed with %s (%s)", r.Signature.File, r.Signature.Key)
		}
		if err := printVerdict(out, r.Action != install.Refused, "%s", line); err != nil {
			return err
		}
	}
	return nil
}
