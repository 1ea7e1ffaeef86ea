package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/inspect"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/remote"
)

// passphraseVariable is where plakar takes the passphrase of a store from, too.
const passphraseVariable = "PLAKAR_PASSPHRASE"

// ptarFlags are those of all commands that read any ptar.
type ptarFlags struct {
	words    passphrase
	snapshot string
	file     int // which argument the first ptar is
}

// add adds the flags; snapshot says whether one of several is meant.
func (f *ptarFlags) add(cmd *cobra.Command, snapshot bool) {
	f.words.addFlag(cmd)
	if snapshot {
		cmd.Flags().StringVar(&f.snapshot, "snapshot", "", "the snapshot whose identifier begins with `ID`, or latest")
		must(cmd.RegisterFlagCompletionFunc("snapshot", f.completeSnapshots))
	}
	cmd.ValidArgsFunction = completeFiles("ptar")
}

// open opens a ptar and the snapshot that is meant. That several are there and none is named is wrong usage.
func (f *ptarFlags) open(cmd *cobra.Command, path string) (*inspect.Opened, error) {
	opened, err := inspect.OpenSnapshot(cmd.Context(), path, f.snapshot, ptarOptions(cmd, &f.words, path))
	if several := (*inspect.SeveralError)(nil); errors.As(err, &several) {
		err = usageError{err}
	}
	return opened, err
}

// ptarOptions are those to open the ptar at path: an encrypted one takes its passphrase from a file, the environment or the
// terminal, in this order.
func ptarOptions(cmd *cobra.Command, words *passphrase, path string) ptarread.Options {
	return ptarread.Options{Passphrase: func(context.Context) ([]byte, error) {
		if given := os.Getenv(passphraseVariable); given != "" && words.file == "" {
			return []byte(given), nil
		}
		given, err := words.read(cmd, "passphrase of "+finding.Printable(path)+": ")
		if err != nil && words.file == "" {
			err = fmt.Errorf("it is encrypted: %w, or set %s", err, passphraseVariable)
		}
		return given, err
	}}
}

// completeSnapshots has the shell offer the snapshots of the ptar that is named. It asks nobody for a passphrase: that of an
// encrypted one is taken from a file or from the environment.
func (f *ptarFlags) completeSnapshots(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	offered := []cobra.Completion{"latest"}
	for _, path := range args[min(f.file, len(args)):] {
		var options ptarread.Options
		if f.words.file != "" && f.words.file != "-" || os.Getenv(passphraseVariable) != "" {
			options = ptarOptions(cmd, &f.words, path)
		}
		if remote.Is(path) || host.IsSource(path) {
			continue
		}
		archive, err := ptarread.OpenArchive(cmd.Context(), path, options)
		if err != nil {
			continue
		}
		for _, s := range archive.Snapshots() {
			about := s.Time.Local().Format("2006-01-02 15:04") + " " + finding.Printable(finding.Cut(s.Name))
			offered = append(offered, cobra.CompletionWithDesc(s.ID[:shortID], strings.TrimSpace(about)))
		}
		archive.Close()
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// shortID is how much of a snapshot's identifier plakar shows.
const shortID = 8
