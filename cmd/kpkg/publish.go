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
	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/oci"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

func newPublishCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish TREE|DIST oci://HOST/REPO",
		Short: "Put releases into an OCI registry",
		Long: `Put a release, as kpkg release writes it, into a repository of an OCI registry, such as those of
containers; of a folder with several releases, or a tree of kpkg index, each integration into the repository
REPO/NAME. Packages, signatures, lists of parts and provenances are all there before the version has its tag.

All is verified before anything is sent. What is there is not sent again, and what an interrupted run has
left undone is done; what is published under a version does not change: other bytes are refused. Credentials
are those of docker login. docs/oci.md says what a repository holds.

Exit status: 0 published, or there already; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg publish dist oci://registry.example.org/acme/ftp
  kpkg publish tree oci://registry.example.org/acme`,
	}
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		address, err := oci.ParseAddress(args[1])
		if err != nil {
			return usageError{err}
		}
		if address.Version != "" {
			return usagef("%s names a version, which the release itself says: leave it out", finding.Cut(args[1]))
		}
		releases, single, err := registry.Releases(ctx, args[0], release.Trust{})
		opts := oci.PublishOptions{Single: single, Progress: showFiles(cmd, "sending")}
		if err == nil {
			opts.Access, err = ociAccess(ctx)
		}
		var pushed []oci.Pushed
		if err == nil {
			pushed, err = oci.Publish(ctx, address, releases, opts)
		}
		report := &finding.Report{Command: "publish", Lists: []finding.List{finding.NewList("pushed", pushed)}}
		if err != nil {
			report.Fail("", err)
		}
		report.Show = func(out io.Writer) error { return printPushed(out, pushed, err) }
		return errors.Join(format.write(cmd, report), err)
	}
	return cmd
}

// ociAccess is how registries of containers are reached.
func ociAccess(ctx context.Context) (oci.Access, error) {
	client, err := access.From(ctx).Client()
	if err != nil {
		return oci.Access{}, err
	}
	credential, err := oci.DockerCredentials()
	return oci.Access{Client: client, Credential: credential}, err
}

// showFiles says which files are on their way.
func showFiles(cmd *cobra.Command, doing string) func(name string, size int64) {
	return func(name string, size int64) {
		if !screen.quiet {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s (%s)\n", doing, finding.Printable(finding.Cut(name)), humanize.IBytes(uint64(size)))
		}
	}
}

// printPushed shows what became of each version.
func printPushed(out io.Writer, pushed []oci.Pushed, err error) error {
	if screen.quiet {
		return nil
	}
	for _, p := range pushed {
		line := fmt.Sprintf("%s  %s %s  %s", p.What, p.Name, p.Version, p.Reference)
		if p.What == oci.Withdrawn {
			line = fmt.Sprintf("%s  %s %s  (not published)", p.What, p.Name, p.Version)
		}
		fmt.Fprintln(out, finding.Printable(line))
	}
	if err != nil || len(pushed) == 0 {
		return nil
	}
	if err := printVerdict(out, true, "%s published", english.Plural(len(pushed), "version", "")); err != nil {
		return err
	}
	return printNext(out, "kpkg install "+pushed[0].Reference)
}
