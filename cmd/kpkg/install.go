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
	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/oci"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/trust"
)

func newInstallCommand() *cobra.Command {
	var opts install.Options
	var chosen platforms
	var from origin
	cmd := &cobra.Command{
		Use:   "install PACKAGE|ADDRESS|NAME|TREE...",
		Short: "Put packages where plakar finds them",
		Long: `Install packages for this user's plakar: from a file, from an https address, by NAME or NAME@VERSION
from a registry, or made of an integration's tree, for its author. An address oci://HOST/REPO:VERSION is of
what kpkg publish has put there: of it the package for this machine is taken, without a version that of
the newest. Each is held to its sum and its
signature, verified and extracted before anything that is installed is touched. A newer version
takes the place of an older one: first it is there, then the other goes.

From a registry or an address a package must be signed with a key that is trusted there (kpkg trust);
the first time, the registry's key is shown at the terminal, to be trusted or not. Of files a signature
counts where there is one.

Refused are a package that has errors or is for another platform, an older version, the installed
version with other bytes, and a protocol that another integration serves. With the same bytes the
installed version stays, once their sum and signature are judged, which are kept then; --force extracts
it again. A tree replaces the version it has; without one it is v0.0.0.

With --root the folders are those below DIR, for the image of a machine.

Exit status: 0 installed, or there already; 1 a package was refused; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg install --registry https://packages.example.org/acme ftp
  kpkg install ftp_v1.2.3_linux_amd64.ptar
  kpkg install --key acme-2026.pub --require-signature dist/*_linux_amd64.ptar
  kpkg install oci://registry.example.org/acme/ftp:v1.2.3 --key acme-2026.pub
  kpkg install .`,
		ValidArgsFunction: completeInputs,
	}
	format := formatFlag(cmd)
	flags := cmd.Flags()
	from.addFlags(cmd)
	flags.BoolVar(&opts.Trust.Require, "require-signature", false, "refuse what has no sum or signature")
	flags.BoolVar(&opts.Downgrade, "allow-downgrade", false, "replace a newer version")
	flags.BoolVar(&opts.Force, "force", false, "replace the same version with other bytes, or extract it again")
	flags.Var(&chosen, "platform", "`OS/ARCH` of the machine, with --root (default this machine's)")
	rootFlag(cmd, &from.root)
	completeValues(cmd, "platform", platformValues()[1:]...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case chosen.all || len(chosen.chosen) > 1:
			return usagef("--platform is that of one machine")
		case len(chosen.chosen) == 1 && from.root == "":
			return usagef("--platform is for the image of another machine, whose folder --root names")
		case len(chosen.chosen) == 1:
			opts.Platform = chosen.chosen[0]
		}
		if err := from.read(); err != nil {
			return err
		}
		folders, err := install.UserFolders(from.root)
		if err != nil {
			return err
		}
		store, err := install.Open(cmd.Context(), folders)
		if err != nil {
			return err
		}
		defer store.Close()
		return installAll(cmd, format, args, func(arg string) (*install.Result, error) {
			return installOne(cmd.Context(), store, arg, &from, format.isText(), opts)
		})
	}
	return cmd
}

// installAll does something with each of the arguments, and reports what came of them.
func installAll(cmd *cobra.Command, format *format, args []string, one func(string) (*install.Result, error)) error {
	boundInstall()
	report := &finding.Report{Command: cmd.Name()}
	var results []*install.Result
	for _, arg := range args {
		result, err := one(arg)
		if usage := (usageError{}); errors.As(err, &usage) {
			return err
		}
		if err != nil {
			if format.isText() && cmd.Context().Err() == nil {
				printError(cmd.ErrOrStderr(), err)
			}
			report.Fail(arg, err)
			if cmd.Context().Err() != nil {
				break
			}
			continue
		}
		result.Findings = append([]finding.Finding{}, report.Add(result.Findings...)...)
		report.Cases = append(report.Cases, finding.RuleCases(arg, cmd.Name(), result.Findings)...)
		results = append(results, result)
	}
	report.Lists = []finding.List{finding.NewList("installs", results)}
	report.Show = func(out io.Writer) error { return printInstalls(out, results) }
	if err := errors.Join(format.write(cmd, report), context.Cause(cmd.Context())); err != nil {
		return err
	}
	return verdict(report)
}

// rootFlag adds --root.
func rootFlag(cmd *cobra.Command, root *string) {
	cmd.Flags().StringVar(root, "root", "", "`DIR` that plakar's folders are below (default this machine's)")
	completeFolders(cmd, "root")
}

// installOne installs what an argument stands for.
func installOne(
	ctx context.Context, store *install.Store, arg string, from *origin, ask bool, opts install.Options,
) (*install.Result, error) {
	if oci.IsAddress(arg) {
		place := "https" + strings.TrimPrefix(arg, "oci") // of the repository, without the version
		if colon := strings.LastIndexByte(place, ':'); colon > strings.LastIndexByte(place, '/') {
			place = place[:colon]
		}
		var err error
		if opts.Trust.Keys, err = from.keysFor(place); err != nil {
			return nil, err
		}
		source, err := fromOCI(ctx, arg, opts)
		if err != nil {
			return nil, err
		}
		return store.Install(ctx, source, opts)
	}
	if access.IsAddress(arg) {
		return installAddress(ctx, store, arg, from, opts)
	}
	if name, version, ok := asName(arg, from.named()); ok {
		registry, findings, err := from.open(ctx, ask)
		if err != nil {
			return nil, err
		}
		if finding.HasErrors(findings) {
			return install.Refusal(arg, findings...), nil
		}
		return store.Named(ctx, registry, name, version, from.keysFor, opts)
	}
	var err error
	if opts.Trust.Keys, err = from.keysFor(trust.Local); err != nil {
		return nil, err
	}
	if host.IsSource(arg) {
		return installTree(ctx, store, arg, opts)
	}
	return store.Install(ctx, install.FileSource(arg), opts)
}

// installAddress installs the package at an address, which must be signed.
func installAddress(
	ctx context.Context, store *install.Store, address string, from *origin, opts install.Options,
) (*install.Result, error) {
	source, err := install.AddressSource(ctx, address)
	if err != nil {
		return nil, err
	}
	place := source.Label[:strings.LastIndexByte(source.Label, '/')+1]
	if opts.Trust.Keys, err = from.keysFor(place); err != nil {
		return nil, err
	}
	if len(opts.Trust.Keys) == 0 {
		return install.Refusal(source.Label, install.Untrusted(place)), nil
	}
	opts.Trust.Require = true
	return store.Install(ctx, source, opts)
}

// installTree installs the package that is made of a tree.
func installTree(ctx context.Context, store *install.Store, path string, opts install.Options) (_ *install.Result, err error) {
	dir, err := scratch.Make("install")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	boundMemory() // a build takes more
	source, findings, err := install.Build(ctx, path, dir.Path, cacheDir())
	if err != nil {
		return nil, err
	}
	if source.Name == "" {
		return install.Refusal(path, findings...), nil
	}
	opts.Force, opts.Trust = true, release.Trust{} // its author's own
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
