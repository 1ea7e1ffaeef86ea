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
	"github.com/PlakarKorp/kpkg/shard"
)

func newPublishCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish TREE|DIST oci://HOST/REPO",
		Short: "Put releases into an OCI registry",
		Long: `Put a release, as kpkg release writes it, into a repository of an OCI registry, such as those of
containers; of a folder with several releases, or a tree of kpkg index, each integration into the repository
REPO/NAME. Packages, signatures, lists of parts and provenances are all there before the version has its tag.

Of a part, as kpkg release --shard writes it, the packages go under their own tags: the version is there
only when kpkg release --finish has put all parts together (docs/scale.md).

Images that packages name (kpkg release --image --image-ref) go where their names say, for all platforms, before
the version has its tag.

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
		part := shard.IsPart(args[0])
		pushed, err := publish(ctx, args[0], address, showFiles(cmd, "sending"))
		report := &finding.Report{Command: "publish", Lists: []finding.List{finding.NewList("pushed", pushed)}}
		if err != nil {
			report.Fail("", err)
		}
		report.Show = func(out io.Writer) error {
			if part {
				return printParts(out, pushed)
			}
			return printPushed(out, pushed, err)
		}
		return errors.Join(format.write(cmd, report), err)
	}
	return cmd
}

// publish publishes what is in a folder: releases, or a part of them.
func publish(ctx context.Context, dir string, a oci.Address, progress func(string, int64)) ([]oci.Pushed, error) {
	access, err := ociAccess(ctx)
	if err != nil {
		return nil, err
	}
	opts := oci.PublishOptions{Access: access, Progress: progress}
	if shard.IsPart(dir) {
		return shard.Publish(ctx, dir, a, opts)
	}
	releases, single, err := registry.Releases(ctx, dir, release.Trust{})
	if err != nil {
		return nil, err
	}
	opts.Single = single
	return oci.Publish(ctx, a, releases, opts)
}

// printParts shows what became of the packages of a part.
func printParts(out io.Writer, pushed []oci.Pushed) error {
	if screen.quiet {
		return nil
	}
	for _, p := range pushed {
		fmt.Fprintln(out, finding.Printable(fmt.Sprintf("%s  %s %s, ahead of its version  %s", p.What, p.Name, p.Version, p.Reference)))
	}
	return nil
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
		for _, i := range p.Images {
			fmt.Fprintln(out, finding.Printable(fmt.Sprintf("  image %s  %s  %s", i.What, i.Reference, i.Digest)))
		}
	}
	if err != nil || len(pushed) == 0 {
		return nil
	}
	if err := printVerdict(out, true, "%s published", english.Plural(len(pushed), "version", "")); err != nil {
		return err
	}
	return printNext(out, "kpkg install "+pushed[0].Reference)
}
