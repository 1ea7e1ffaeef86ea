package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/diff"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
)

func newDiffCommand() *cobra.Command {
	var words passphrase
	var content bool
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Say what differs between two packages, archives or folders",
		Long: `Say what B adds to A, removes and changes: types, permissions, targets of links and contents. Times and owners
are not compared. A and B are packages, archives or folders, in any combination, on disk or at an http(s) URL, one on the
standard input (-). Of an archive of several snapshots, the
youngest is compared, or with FILE@ID the one whose identifier begins with ID.

Of executables that Go built, the build settings and the versions of Go and of modules that differ are named. If both are
packages of an integration, folders of packages, or source trees, so are the fields of the manifest that differ, and what
breaks users: a connector, protocol or platform that is gone, an option removed, newly required or of another type, another
flag; with the step of the version that this asks for.

Exit status: 0 nothing differs; 1 something does; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg diff dist/ftp_v1.2.3_linux_amd64.ptar ftp_v1.3.0_linux_amd64.ptar
  kpkg diff backup.ptar@1f2e backup.ptar@latest
  kpkg diff --content backup.ptar ~/folder`,
		ValidArgsFunction: completeFiles("ptar"),
	}
	words.addFlag(cmd)
	cmd.Flags().BoolVar(&content, "content", false, "show what differs in texts, line by line")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var all []diff.Difference
		p := diffPrinter{out: cmd.OutOrStdout(), content: content}
		visit := p.print
		if !format.isText() {
			visit = func(_ context.Context, d diff.Difference) error {
				all = append(all, d)
				return nil
			}
		}
		differences, versions, err := compare(cmd, &words, args[0], args[1], visit)
		if !format.isText() {
			report := diff.Report(all, versions, err)
			if err := errors.Join(format.write(cmd, report), verdict(report)); err != nil {
				return err
			}
		} else if err != nil {
			return err
		} else if err := p.end(differences, versions); err != nil {
			return err
		}
		if differences > 0 {
			return errFindings
		}
		return nil
	}
	return cmd
}

// compare compares two sides, and counts their differences.
func compare(cmd *cobra.Command, words *passphrase, before, after string,
	visit func(context.Context, diff.Difference) error) (differences int, versions *diff.Versions, err error) {
	ctx := cmd.Context()
	a, err := openSide(cmd, words, before)
	if err != nil {
		return 0, nil, err
	}
	defer a.close()
	b, err := openSide(cmd, words, after)
	if err != nil {
		return 0, nil, err
	}
	defer b.close()
	err = diff.Trees(ctx, a.tree, b.tree, func(d diff.Difference) error {
		differences++
		return visit(ctx, d)
	})
	if err == nil && a.integration != nil && b.integration != nil {
		v := diff.CompareIntegrations(a.integration, b.integration)
		versions = &v
	}
	return differences, versions, err
}

// side is an open side of a comparison.
type side struct {
	tree        diff.Tree
	integration *diff.Integration
	close       func() error
}

// openSide opens a folder, or a ptar and a snapshot of it.
func openSide(cmd *cobra.Command, words *passphrase, given string) (*side, error) {
	ctx := cmd.Context()
	if info, err := os.Stat(given); err == nil && info.IsDir() {
		integration, err := diff.OfFolder(ctx, given)
		return &side{diff.Folder(given), integration, func() error { return nil }}, err
	}
	file, id := splitSnapshot(given)
	archive, err := ptarread.OpenArchive(ctx, file, ptarOptions(cmd, words, file))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	snapshot, err := archive.Snapshot(ctx, id)
	if err != nil {
		archive.Close()
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	tree := diff.Snapshot{Snapshot: snapshot, Archive: archive}
	integration, err := diff.OfSnapshot(ctx, file, tree)
	if err != nil {
		archive.Close()
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	return &side{tree, integration, archive.Close}, nil
}

// splitSnapshot takes FILE@ID apart; a file whose name has an @ is that file.
func splitSnapshot(given string) (file, id string) {
	at := strings.LastIndex(given, "@")
	if _, err := os.Stat(given); err == nil || at <= 0 || at == len(given)-1 || strings.ContainsAny(given[at:], `/\`) {
		return given, "latest"
	}
	return given[:at], given[at+1:]
}

// diffPrinter prints differences as they come.
type diffPrinter struct {
	out     io.Writer
	content bool
}

func (p diffPrinter) line(word, format string, args ...any) error {
	_, err := fmt.Fprintf(p.out, "%-8s %s\n", word, finding.Printable(finding.CutMessage(fmt.Sprintf(format, args...))))
	return err
}

func (p diffPrinter) print(ctx context.Context, d diff.Difference) error {
	text := d.Path()
	if d.Kind == diff.Added && d.New.Mode.IsDir() || d.Kind == diff.Removed && d.Old.Mode.IsDir() {
		text += "/"
	}
	if len(d.What) > 0 {
		text += ": " + strings.Join(d.What, "; ")
	}
	if err := p.line(d.Kind, "%s", text); err != nil {
		return err
	}
	for _, fact := range d.Facts {
		if err := p.fact("", fact); err != nil {
			return err
		}
	}
	if !p.content || d.Kind == diff.Changed && d.Offset < 0 {
		return nil
	}
	lines, err := d.Lines(ctx)
	if errors.Is(err, diff.ErrNoText) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.out, finding.PrintableLines(string(lines)))
	return err
}

func (p diffPrinter) fact(word string, f diff.Fact) error {
	return p.line(word, "%s: was %s, is %s", f.Name, orNothing(f.Was), orNothing(f.Is))
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// end prints what changed of an integration, and how many differences there were.
func (p diffPrinter) end(differences int, versions *diff.Versions) error {
	if versions != nil {
		if a, b := versions.OldSize, versions.NewSize; a > 0 && b > 0 && a != b {
			if err := p.line("size", "%s, now %s", humanize.IBytes(uint64(a)), humanize.IBytes(uint64(b))); err != nil {
				return err
			}
		}
		for _, f := range versions.Manifest {
			if err := p.fact("manifest", f); err != nil {
				return err
			}
		}
		for _, c := range versions.Changes {
			word := "adds"
			if c.Step == diff.Major {
				word = "breaks"
			}
			if err := p.line(word, "%s: %s (%s)", c.Subject, c.Message, c.Kind); err != nil {
				return err
			}
		}
		if err := p.versions(versions); err != nil {
			return err
		}
	}
	if differences == 0 {
		return printVerdict(p.out, true, "nothing differs")
	}
	return printVerdict(p.out, false, "%s", english.Plural(differences, "difference", ""))
}

func (p diffPrinter) versions(v *diff.Versions) error {
	switch {
	case v.Step != nil:
		return p.line("version", "%v", v.Step)
	case v.Old != "" && v.New != "" && v.Old != v.New:
		return p.line("version", "from %s to %s is step enough; what changed asks for a %s one", v.Old, v.New, v.Asked)
	case len(v.Changes) > 0:
		return p.line("version", "what changed asks for a %s step", v.Asked)
	}
	return nil
}
