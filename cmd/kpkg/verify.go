package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

func newVerifyCommand() *cobra.Command {
	var opts create.VerifyOptions
	var client string
	var keys publicKeys
	var require bool
	cmd := &cobra.Command{
		Use:   "verify PACKAGE...",
		Short: "Check every byte of packages, and all that plakar demands of them",
		Long: `Check packages before they are released or installed: the file name, every region and every blob of
the ptar, the manifest, each executable's mode and platform, the files the manifest names and
those it does not, sizes and ratios. Nothing is extracted or run. A package that passes installs
with "plakar pkg add". Only a signature says who made it.

With --key, which may be repeated, the sum and the signature beside each file are held to its name and
its bytes, and to the keys; one that is missing is a warning, and an error with --require-signature.
Files that are no packages, such as a recipe, are then held to these alone.

A good package is one line, another what was found. With --verbose, each comes with all that is known
of it, the releases of plakar that can use it included; --client makes errors of what keeps one of
them from it: a release such as v1.1.4, or next, the one to come.

Connectors in containers are held to the images beside the package, NAME_vX.Y.Z_OS_ARCH.oci.tar, or in
FILE: platform, executable, user. Without these a package that names images has an error, as no
released plakar runs them.

With --rebuild, a package that passes is also made again from the source in DIR, and the two must be
identical; otherwise the first differences are named: a file, a build setting, a Go version.

PACKAGE may also be an http(s) URL, or - for the standard input.

Exit status: 0 no errors; 1 errors in a package; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg verify dist/*.ptar
  kpkg verify --key acme-2026.pub --require-signature \
      dist/*.ptar dist/recipe.yaml
  kpkg verify --client v1.1.4 ftp_v1.2.3_linux_amd64.ptar
  kpkg verify --rebuild . dist/ftp_v1.2.3_linux_amd64.ptar`,
		ValidArgsFunction: completeFiles(strings.TrimPrefix(manifest.Extension, ".")),
	}
	format := formatFlag(cmd)
	cmd.Flags().BoolVar(&opts.Strict, "strict", false, "report what plakar's next release refuses as errors")
	cmd.Flags().StringVar(&opts.Source, "rebuild", "", "make the packages again from the source in `DIR` and compare")
	cmd.Flags().StringVar(&opts.Image, "image", "", "`FILE` with the images of the package's connectors (default the one beside it)")
	cmd.Flags().StringVar(&client, "client", "", "take what keeps plakar `VERSION`, such as v1.1.4, from using a package for errors")
	cmd.Flags().Var(&keys, "key", "hold signatures to the public key in `FILE`; may be repeated")
	cmd.Flags().BoolVar(&require, "require-signature", false, "take a missing sum or signature for an error")
	completeFolders(cmd, "rebuild")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if client != "" {
			known, err := manifest.FindClient(client)
			if err != nil {
				return usagef("--client: %v", err)
			}
			opts.Client = known.Name
		}
		if opts.Image != "" && len(args) > 1 {
			return usagef("--image is of one package: those beside packages are found without it")
		}
		if require && len(keys) == 0 {
			return usagef("--require-signature takes the keys that signatures are held to: --key PUB")
		}
		trust := release.Trust{Require: require}
		var err error
		if trust.Keys, err = release.ReadPublicKeys(keys); err != nil {
			return err
		}
		judged, err := release.Verify(cmd.Context(), args, opts, trust)
		if err != nil && format.isText() {
			return err
		}
		report := create.VerifyReport(judged, err)
		report.Show = func(out io.Writer) error { return printVerified(out, cmd.ErrOrStderr(), judged) }
		if err := errors.Join(format.write(cmd, report), err); err != nil {
			return err
		}
		if !format.isText() {
			for _, one := range judged {
				if one.Err != nil {
					printError(cmd.ErrOrStderr(), one.Err)
				}
			}
		}
		return verdict(report)
	}
	return cmd
}

// publicKeys are the files of keys to trust.
type publicKeys []string

func (k *publicKeys) String() string { return strings.Join(*k, ", ") }
func (k *publicKeys) Type() string   { return "keys" }

func (k *publicKeys) Set(file string) error {
	if file == "" {
		return errors.New("it names no file")
	}
	*k = append(*k, file)
	return nil
}

// printVerified shows a line or the findings of each package, and how many of several have errors.
func printVerified(out, diagnostics io.Writer, judged []create.Verified) error {
	bad := 0
	for i, one := range judged {
		if one.Err != nil || finding.HasErrors(one.Report.Findings) {
			bad++
		}
		if one.Report != nil {
			if i > 0 && screen.verbose {
				fmt.Fprintln(out)
			}
			if err := printPackage(out, one); err != nil {
				return err
			}
		}
		if one.Err != nil {
			printError(diagnostics, one.Err)
		}
	}
	if len(judged) == 1 {
		return nil
	}
	return printVerdict(out, bad == 0, "%s", summary(len(judged), bad, "package", "verified"))
}

// printPackage shows what was found in a package, after all that is known of it where that is wanted, and the verdict.
func printPackage(out io.Writer, one create.Verified) error {
	r := one.Report
	if screen.verbose {
		if err := printDetails(out, r); err != nil {
			return err
		}
	}
	if err := printShown(out, r.Findings, nil); err != nil {
		return err
	}
	switch {
	case finding.HasErrors(r.Findings):
		return printVerdict(out, false, "bad  %s  %s", r.File, finding.Tally(r.Findings))
	case one.Err != nil: // printed next
		return nil
	}
	return printVerdict(out, true, "%s", goodLine(r, width(out)))
}

// goodLine is all that is said of a good package. A sum that does not fit the terminal is shortened.
func goodLine(r *verify.Report, columns int) string {
	line := fmt.Sprintf("ok  %s %s %s/%s  %s  %s", r.Name, r.Version, r.OS, r.Arch,
		english.Plural(len(r.Executables), "executable", ""), humanize.IBytes(uint64(r.Size)))
	if r.Name == "" {
		line = fmt.Sprintf("ok  %s  %s", r.File, humanize.IBytes(uint64(r.Size)))
	}
	if r.Signature != nil {
		line += fmt.Sprintf("  signed with %s (%s)", r.Signature.File, r.Signature.Key)
	}
	if len(r.Findings) > 0 {
		line += "  " + finding.Tally(r.Findings)
	}
	sum := r.SHA256
	if columns > 0 && len(line)+len("  sha256:")+len(sum) > columns {
		sum = sum[:12] + "..."
	}
	return line + "  sha256:" + sum
}

// printDetails shows what a package is and what was checked of it.
func printDetails(out io.Writer, r *verify.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) {
		fmt.Fprintf(w, "  %s\t%s\n", what, finding.Printable(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintln(w, finding.Printable(r.File))
	if r.Name != "" {
		row("package", "%s %s for %s/%s", r.Name, r.Version, r.OS, r.Arch)
	}
	for _, c := range r.Connectors {
		row(c.Type, "%s, by %s", strings.Join(c.Protocols, ", "), cmp.Or(c.Executable, "the image "+c.ImageID))
	}
	for _, e := range r.Executables {
		row("executable", "%s", describe(e))
	}
	if r.Images != nil {
		row("images", "%s, %s", r.Images.File, humanize.IBytes(uint64(r.Images.Size)))
	}
	if e := r.Encoding; e.Blobs > 0 {
		row("stored", "%d files, %s in %s; %d blobs, %s, %s, state %s", len(r.Files),
			humanize.IBytes(uint64(r.Unpacked)), humanize.IBytes(uint64(r.Size)), e.Blobs, e.Compression, e.Hashing, e.State)
	}
	for _, c := range r.Clients {
		if c.Usable {
			row("plakar "+c.Versions, "installs and runs it")
		} else if len(c.Refusals) > 0 {
			row("plakar "+c.Versions, "no: %s", strings.Join(c.Refusals, "; "))
		}
	}
	if s := r.Signature; s != nil {
		row("signature", "key %s of %s, %q", s.Key, s.File, s.Comment)
	}
	if r.SHA256 != "" {
		row("sha256", "%s", r.SHA256)
	}
	var checked []string
	for _, c := range r.Checks {
		checked = append(checked, fmt.Sprintf("%s (%d %s)", c.ID, c.Count, c.Unit))
	}
	row("checked", "%s", strings.Join(checked, ", "))
	return w.Flush()
}

func describe(e verify.Executable) string {
	parts := []string{e.Path, humanize.IBytes(uint64(e.Size))}
	if e.Format != "" {
		parts = append(parts, e.Format)
	}
	if e.OS != "" {
		parts = append(parts, e.OS+"/"+e.Arch)
	}
	if e.Go != "" {
		parts = append(parts, e.Go)
	}
	for _, m := range e.Modules {
		version := m.Version
		if strings.HasPrefix(version, "v0.0.0-00010101000000-") { // what Go writes where a replace names a folder
			version = "(local copy)"
		}
		parts = append(parts, m.Path[strings.LastIndex(m.Path, "/")+1:]+" "+version)
	}
	if e.Stripped {
		parts = append(parts, "stripped")
	}
	return strings.Join(parts, ", ")
}
