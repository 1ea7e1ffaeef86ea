package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/inspect"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/try"
)

const storeHelp = `STORE is the location of a store, what plakar calls a repository, which the storage of the PACKAGE of --store serves.
The storage's settings are given with --store-config, one each time, in the form of the others.`

// storeFlags are those of a command that may use a store.
type storeFlags struct {
	pkg      string
	settings []string
	words    passphrase
}

func (f *storeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.pkg, "store", "", "use a store, through the storage of `PACKAGE`")
	cmd.Flags().StringArrayVar(&f.settings, "store-config", nil, "a setting of the storage, `KEY=VALUE`; may be given again")
	must(cmd.RegisterFlagCompletionFunc("store", completeInputs))
	must(cmd.RegisterFlagCompletionFunc("store-config", f.completeSettings))
}

// completeLocation has the shell offer the protocols of the storages.
func (f *storeFlags) completeLocation(cmd *cobra.Command) ([]cobra.Completion, cobra.ShellCompDirective) {
	n, err := readNamed(cmd.Context(), f.pkg)
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return offerProtocols(n, conformance.Storage)
}

func (f *storeFlags) completeSettings(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	n, err := readNamed(cmd.Context(), f.pkg)
	if f.pkg == "" || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return offerSettings(n.settings(conformance.Storage, ""))
}

// refuse is for a command without a store.
func (f *storeFlags) refuse(encrypt bool) error {
	switch {
	case len(f.settings) > 0:
		return usagef("--store-config is for a storage: name its package with --store")
	case encrypt:
		return usagef("--encrypt is for a store that is made: name the package of its storage with --store")
	case f.words.file != "":
		return usagef("--passphrase-file opens a store, which --store names")
	}
	return nil
}

// use sets the options to a store at a location.
func (r *tryRun) use(cmd *cobra.Command, location string) error {
	config, err := try.ParseConfig(cmd.Context(), r.store.settings)
	if err != nil {
		return tryUsage(fmt.Errorf("--store-config: %w", err))
	}
	r.opts.Store = &try.Endpoint{Package: r.store.pkg, Location: servers.Give(location), Config: config}
	r.opts.Passphrase = func(ctx context.Context) ([]byte, error) {
		return ptarOptions(cmd, &r.store.words, r.opts.Store.String()).Passphrase(ctx)
	}
	return nil
}

func (r *tryRun) backupToStore(cmd *cobra.Command, args []string) error {
	if err := r.use(cmd, args[2]); err != nil {
		return err
	}
	if r.opts.Encrypt {
		// Asked for twice, as it may be that of a store that is made; one that is there tells whether it is right.
		r.opts.Passphrase = func(context.Context) ([]byte, error) { return newPassphrase(cmd, &r.store.words) }
	}
	return r.run(cmd, args[3:], try.Backup, func(copied string, result try.Result) string {
		made := ""
		if result.Made {
			made = "the new store "
		}
		return fmt.Sprintf("backed up %s to %s%s, snapshot %s\nnext: kpkg try restore PACKAGE LOCATION %s --store %s\n",
			copied, made, r.shownStore(), result.Snapshot[:shortID], r.shownStore(), finding.Printable(r.store.pkg))
	})
}

func (r *tryRun) restoreFromStore(cmd *cobra.Command, args []string) error {
	if err := r.use(cmd, args[2]); err != nil {
		return err
	}
	return r.run(cmd, args[3:], try.Restore, func(copied string, result try.Result) string {
		return fmt.Sprintf("restored %s from %s, snapshot %s\n", copied, r.shownStore(), result.Snapshot[:shortID])
	})
}

// openStore sets up what reads a store and nothing else.
func (r *tryRun) openStore(cmd *cobra.Command, location string, flags *ptarFlags) error {
	r.store.words, r.opts.Snapshot = flags.words, flags.snapshot
	if err := r.use(cmd, location); err != nil {
		return err
	}
	_, err := r.begin(cmd, r.store.pkg)
	return err
}

// shownStore is the store in what is printed.
func (r *tryRun) shownStore() string { return finding.Printable(finding.Cut(r.opts.Store.String())) }

// completeStore has the shell offer data files, or locations of a store.
func (r *tryRun) completeStore(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch {
	case len(args) > 0:
		return nil, cobra.ShellCompDirectiveNoFileComp
	case r.store.pkg != "":
		return r.store.completeLocation(cmd)
	}
	return completeFiles("ptar")(cmd, args, begun)
}

func newTryCheckCommand() *cobra.Command {
	var run tryRun
	flags := ptarFlags{}
	cmd := &cobra.Command{
		Use:   "check STORE --store PACKAGE",
		Short: "Compare all that a store holds with what it should be",
		Long: `Read all blobs of a store and compare each with its MAC, and the trees of all snapshots with each other; or, with
--snapshot, all entries of one snapshot and their contents. Damage is placed: the packfile, the offset in it, and the
files that it hits. Of files there is kpkg check.

` + storeHelp + `

Exit status: 0 nothing is damaged; 1 something is, or the package has errors; 2 wrong usage; 3 it could not be read.`,
		Example: `  kpkg try check fis:store --store examples/fs
  kpkg try check fis:store --store examples/fs --snapshot latest`,
	}
	flags.add(cmd, true)
	run.store.add(cmd)
	run.flags(cmd)
	cmd.ValidArgsFunction = run.completeStore
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if run.store.pkg == "" {
			return usagef("name the package of the storage with --store; of files there is kpkg check")
		}
		if err := run.openStore(cmd, args[0], &flags); err != nil {
			return err
		}
		return run.check(cmd)
	}
	return cmd
}

func (r *tryRun) check(cmd *cobra.Command) error {
	name := r.opts.Store.String()
	checked := inspect.Checked{File: name}
	err := try.ReadStore(cmd.Context(), r.opts, func(archive *ptarread.Archive) error {
		if r.opts.Snapshot != "" {
			checked = inspect.CheckSnapshot(cmd.Context(), name, archive, r.opts.Snapshot)
		} else {
			checked = inspect.CheckArchive(cmd.Context(), name, archive)
		}
		return nil
	})
	r.end()
	if wrong := tryUsage(err); wrong != err {
		return wrong
	}
	var rejected *host.RejectedError
	if r.format.isText() && errors.As(err, &rejected) {
		return tryVerdict(cmd.OutOrStdout(), cmd.ErrOrStderr(), try.Result{}, err)
	}
	if rejected == nil {
		checked.Failed(err)
	}
	if r.format.isText() && checked.Err != nil {
		return checked.Err
	}
	report := inspect.CheckReport("try check", []inspect.Checked{checked})
	if rejected != nil {
		report.Add(rejected.Findings...)
	}
	report.Show = func(out io.Writer) error { return printIntegrity(out, cmd.ErrOrStderr(), []inspect.Checked{checked}) }
	return errors.Join(r.format.write(cmd, report), verdict(report))
}
