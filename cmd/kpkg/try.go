package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/entrymode"
	"github.com/PlakarKorp/kpkg/try"
)

const tryConfiguration = `The connector's configuration is given as key=value. So that a secret is neither in the shell's
history nor in the list of processes, key=@file takes the value from a file, and 'key=$NAME', quoted
so that the shell leaves it alone, from a variable of the environment. Such values are cut out of all
that is printed.`

func newTryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "try",
		Short: "Back up and restore through a package, without plakar",
		Long: `Back up and restore through a package, without plakar: an importer's source into a data file, and from
there to an exporter's destination. A data file is a ptar that plakar restores too. With --store it is a store of
plakar's instead, through a package's storage.`,
	}
	cmd.AddCommand(newTryBackupCommand(), newTryRestoreCommand(), newTryListCommand(), newTryCheckCommand())
	return cmd
}

func newTryBackupCommand() *cobra.Command {
	var run tryRun
	var output outputFlag
	var encrypt bool
	cmd := &cobra.Command{
		Use:   "backup PACKAGE LOCATION [KEY=VALUE...] -o FILE",
		Short: "Back a source up into a data file, through a package's importer",
		Long: `Back LOCATION up into a data file, through the importer of PACKAGE that serves its protocol. PACKAGE is
a package, also at an http(s) URL, or a manifest.yaml or its folder: then the package is made first. Only a package that
verifies is run.

` + tryConfiguration + `

Entries that cannot be read are listed, and the others are backed up all the same. The data file
appears under its name once it is complete; one that is there is kept unless --force is given.

To a store: kpkg try backup PACKAGE LOCATION STORE [KEY=VALUE...] --store PACKAGE

` + storeHelp + ` Where there is no store, one is made: with --encrypt an encrypted one. Each backup adds a snapshot,
in which only what the store does not have yet is stored.

Exit status: 0 all is backed up; 1 the package has errors; 2 wrong usage; 3 it could not be done, or not
for all entries.`,
		Example: `  kpkg try backup ftp_v0.1.0_linux_amd64.ptar ftp://host/folder \
      'password=$FTP_PASSWORD' -o data.ptar
  kpkg try backup examples/imap imap://host username=me password=@secret.txt \
      -o mail.ptar
  kpkg try backup examples/ftp ftp://host/folder fis:store --store examples/fs`,
		Args: run.order(try.BackupOrder),
	}
	cmd.Flags().VarP(&output, "output", "o", "`FILE` to back up into")
	cmd.Flags().BoolVar(&run.opts.Force, "force", false, "replace a data file that is there")
	cmd.Flags().BoolVar(&encrypt, "encrypt", false, "encrypt a store that is made with a passphrase")
	run.store.add(cmd)
	run.store.words.addFlag(cmd)
	run.flags(cmd)
	cmd.ValidArgsFunction = run.complete(conformance.Importer, try.BackupOrder)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		run.opts.Package, run.opts.Location = args[0], servers.Give(args[1])
		if run.store.pkg != "" {
			if output.name != "" || run.opts.Force {
				return usagef("-o and --force are about a data file, which --store makes none of")
			}
			run.opts.Encrypt = encrypt
			return run.backupToStore(cmd, args)
		}
		if err := run.store.refuse(encrypt); err != nil {
			return err
		}
		if run.opts.Data, err = output.file(); err != nil {
			return err
		}
		return run.run(cmd, args[2:], try.Backup, func(copied string, result try.Result) string {
			data := finding.Printable(run.opts.Data)
			return fmt.Sprintf("backed up %s to %s, %s\nnext: kpkg ls %[2]s, or kpkg try restore PACKAGE LOCATION %[2]s\n",
				copied, data, humanize.IBytes(uint64(result.Size)))
		})
	}
	return cmd
}

func newTryRestoreCommand() *cobra.Command {
	var run tryRun
	flags := ptarFlags{file: 2}
	cmd := &cobra.Command{
		Use:   "restore PACKAGE LOCATION FILE [KEY=VALUE...]",
		Short: "Restore a data file to a destination, through a package's exporter",
		Long: `Restore a data file to LOCATION, through the exporter of PACKAGE that serves its protocol. PACKAGE is a
package, or a manifest.yaml or its folder: then the package is made first. Only a package that
verifies is run. A package and FILE may also be at an http(s) URL, or one of the two on the standard input (-).
What the source began at becomes LOCATION.

` + tryConfiguration + `

Entries that cannot be restored are listed, and the others are restored all the same. So are entries
that the data file lacks, and devices, pipes and sockets, which are never restored. Extended attributes
are restored if the exporter takes them, and counted otherwise. Of several snapshots the youngest is restored, or that
of --snapshot.

From a store: kpkg try restore PACKAGE LOCATION STORE [KEY=VALUE...] --store PACKAGE

` + storeHelp + `

Exit status: 0 all is restored; 1 the package has errors; 2 wrong usage; 3 it could not be done, or not for
all entries.`,
		Example: `  kpkg try restore imap_v0.1.0_linux_amd64.ptar imap://host mail.ptar \
      username=me password=@secret.txt
  kpkg try restore examples/ftp/both ftp://other/folder fis:store \
      --store examples/fs`,
		Args: run.order(try.RestoreOrder),
	}
	run.store.add(cmd)
	run.flags(cmd)
	flags.add(cmd, true)
	cmd.ValidArgsFunction = run.complete(conformance.Exporter, try.RestoreOrder)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		run.opts.Package, run.opts.Location, run.opts.Data = args[0], servers.Give(args[1]), args[2]
		if run.store.pkg != "" {
			run.store.words, run.opts.Snapshot = flags.words, flags.snapshot
			return run.restoreFromStore(cmd, args)
		}
		if err := run.store.refuse(false); err != nil {
			return err
		}
		run.opts.Snapshot, run.opts.Passphrase = flags.snapshot, ptarOptions(cmd, &flags.words, args[2]).Passphrase
		return run.run(cmd, args[3:], try.Restore, func(copied string, _ try.Result) string {
			return fmt.Sprintf("restored %s from %s\n", copied, finding.Printable(run.opts.Data))
		})
	}
	return cmd
}

// order checks the arguments before the configuration.
func (r *tryRun) order(order try.Order) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		use := cmd.Use
		if r.store.pkg != "" {
			order, use = try.StoreOrder, cmd.Name()+" PACKAGE LOCATION STORE [KEY=VALUE...] --store PACKAGE"
		}
		if err := order.Check(args); err != nil {
			return fmt.Errorf("%w: kpkg try %s", err, use)
		}
		return nil
	}
}

// complete has the shell offer what comes next.
func (r *tryRun) complete(connectorType string, order try.Order) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if r.store.pkg == "" {
			return completeTry(connectorType, order)(cmd, args, begun)
		}
		if len(args) == 2 {
			return r.store.completeLocation(cmd)
		}
		return completeTry(connectorType, try.StoreOrder)(cmd, args, begun)
	}
}

// outputFlag is -o of a backup. What it cannot take is refused later: the error of a flag repeats what was given, which may
// be a secret.
type outputFlag struct {
	name    string
	refused error
}

func (f *outputFlag) String() string { return f.name }
func (f *outputFlag) Type() string   { return "output" }

func (f *outputFlag) Set(s string) error {
	if f.name != "" && f.refused == nil {
		f.refused = errors.New("-o is given twice")
	}
	if err := try.CheckOutput(s); err != nil {
		f.refused = err
	}
	f.name = s
	return nil
}

func (f *outputFlag) file() (string, error) {
	if f.refused != nil {
		return "", usageError{f.refused}
	}
	if f.name == "" {
		return "", usagef("name the data file to make, as in -o data.ptar")
	}
	return f.name, nil
}

// tryRun is a backup or a restore.
type tryRun struct {
	opts     try.Options
	store    storeFlags
	format   *format
	trace    bool
	warnings []string
	shown    *transfer // once it has begun
}

func (r *tryRun) flags(cmd *cobra.Command) {
	emulatorFlag(cmd, &r.opts.Building.Emulator)
	r.format = formatFlag(cmd, "text", "json")
	cmd.Flags().BoolVar(&r.trace, "trace", false, "print all that is said to the plugin and all that it answers")
	cmd.Flags().BoolVar(&r.opts.Building.Debug, "debug", false,
		"build for a debugger: not stripped, not optimised; say the process")
}

// run makes the backup or the restore, and prints what told says of it.
func (r *tryRun) run(
	cmd *cobra.Command, settings []string, do func(context.Context, try.Options) (try.Result, error),
	told func(copied string, result try.Result) string,
) (err error) {
	if r.opts.Config, err = try.ParseConfig(cmd.Context(), settings); err != nil {
		return tryUsage(err)
	}
	shown, err := r.begin(cmd, r.opts.Package)
	if err != nil {
		return err
	}
	result, err := do(cmd.Context(), r.opts)
	r.end()
	if wrong := tryUsage(err); wrong != err {
		return wrong
	}
	if !r.format.isText() {
		report := try.TransferReport("try "+cmd.Name(), r.opts, r.warnings, result, err)
		return errors.Join(r.format.write(cmd, report), verdict(report))
	}
	if err := tryVerdict(cmd.OutOrStdout(), cmd.ErrOrStderr(), result, err); err != nil {
		return err
	}
	if n := result.AttributesLeft; n > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "kpkg: warning: %s not restored: the exporter takes none\n",
			english.Plural(n, "extended attribute was", "extended attributes were"))
	}
	if !screen.quiet {
		verdict, next, _ := strings.Cut(told(shown.copied(result.Progress), result), "\n")
		if err := printVerdict(cmd.OutOrStdout(), result.Failed == 0, "%s", verdict); err != nil {
			return err
		}
		fmt.Fprint(cmd.OutOrStdout(), next)
	}
	return failedEntries(result)
}

// begin shows what is being done from now on; pkg is the package that --debug builds.
func (r *tryRun) begin(cmd *cobra.Command, pkg string) (*transfer, error) {
	if err := sourceForDebugger(r.opts.Building.Debug, pkg); err != nil {
		return nil, err
	}
	r.shown = newTransfer(cmd.ErrOrStderr(), screen.quiet)
	r.opts.Progress, r.opts.Stderr, r.opts.Building.CacheDir = r.shown.step, r.shown, cacheDir()
	if r.trace {
		r.opts.Trace = r.shown
	}
	if r.opts.Building.Debug {
		r.opts.Started = func(process int) { waitForDebugger(cmd.InOrStdin(), r.shown, process) }
	}
	r.opts.Warn = func(text string) {
		r.warnings = append(r.warnings, text)
		if r.format.isText() {
			fmt.Fprintf(r.shown, "kpkg: warning: %s\n", finding.Printable(finding.CutMessage(text)))
		}
	}
	return r.shown, nil
}

// end shows nothing any more.
func (r *tryRun) end() {
	if r.shown != nil {
		r.shown.close()
	}
}

// tryUsage makes a usageError of one of package try, and leaves others as they are.
func tryUsage(err error) error {
	if wrong := (try.UsageError{}); errors.As(err, &wrong) {
		return usageError{err}
	}
	return err
}

// sourceForDebugger refuses --debug for what is built already.
func sourceForDebugger(debug bool, path string) error {
	if debug && !host.IsSource(path) {
		return usagef("--debug builds: name a source tree, not a package such as %s", finding.Printable(finding.Cut(path)))
	}
	return nil
}

// waitForDebugger says which process a debugger can attach to and, where somebody is there to do so, waits for that.
func waitForDebugger(in io.Reader, out io.Writer, process int) {
	fmt.Fprintf(out, "the plugin is process %d, as in: dlv attach %[1]d\n", process)
	if isTerminal(in) {
		fmt.Fprintln(out, "attach a debugger, then press Enter")
		bufio.NewReader(in).ReadString('\n') //nolint:errcheck // whatever ends the line ends the wait
	}
}

// tryVerdict prints what failed, and returns the error that the command ends with if it could not be done at all.
func tryVerdict(out, diagnostics io.Writer, result try.Result, err error) error {
	printFailures(diagnostics, "error", result.Failures)
	if more := result.Failed - len(result.Failures); more > 0 {
		fmt.Fprintf(diagnostics, "kpkg: error: and %d more\n", more)
	}
	var rejected *host.RejectedError
	if !errors.As(err, &rejected) {
		return err
	}
	if err := printFindings(out, rejected.Findings, nil); err != nil {
		return fmt.Errorf("printing the findings: %w", err)
	}
	fmt.Fprintf(out, "%s: %s; it was not run\n", finding.Printable(rejected.Path), finding.Tally(rejected.Findings))
	return errFindings
}

// failedEntries is the error of a backup or restore that is not complete.
func failedEntries(result try.Result) error {
	if result.Failed == 0 {
		return nil
	}
	return fmt.Errorf("%s could not be copied: see above", english.Plural(result.Failed, "entry", "entries"))
}

func printFailures(w io.Writer, severity string, failures []try.Failure) {
	for _, f := range failures {
		text := f.Error
		if f.Path != "" {
			text = f.Path + ": " + text
		}
		fmt.Fprintf(w, "kpkg: %s: %s\n", severity, finding.Printable(finding.CutMessage(text)))
	}
}

func newTryListCommand() *cobra.Command {
	var run tryRun
	flags := ptarFlags{}
	cmd := &cobra.Command{
		Use:   "ls FILE",
		Short: "List what a data file or a snapshot of a store holds",
		Long: `List what a data file holds: mode, size, time of the last change and path of each entry, then where it came
from. What could not be read when it was made is listed as warnings. For data files kpkg ls does more. Of several snapshots
it is the youngest, or that of --snapshot.

In a store: kpkg try ls STORE --store PACKAGE

` + storeHelp + `

Exit status: 0 it is listed; 1 the package has errors; 2 wrong usage; 3 it could not be read.`,
		Example: `  kpkg try ls data.ptar
  kpkg try ls fis:store --store examples/fs`,
	}
	flags.add(cmd, true)
	run.store.add(cmd)
	run.flags(cmd)
	cmd.ValidArgsFunction = run.completeStore
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if run.store.pkg == "" {
			if err := run.store.refuse(false); err != nil {
				return err
			}
			secret := ptarOptions(cmd, &flags.words, args[0]).Passphrase
			return run.list(cmd, args[0], func(each func(try.Entry) error) (try.Contents, error) {
				return try.List(cmd.Context(), args[0], flags.snapshot, secret, each)
			})
		}
		if err := run.openStore(cmd, args[0], &flags); err != nil {
			return err
		}
		return run.list(cmd, run.opts.Store.String(), func(each func(try.Entry) error) (try.Contents, error) {
			return try.ListStore(cmd.Context(), run.opts, each)
		})
	}
	return cmd
}

// lister lists a data file or a snapshot.
type lister = func(each func(try.Entry) error) (try.Contents, error)

func (r *tryRun) list(cmd *cobra.Command, name string, list lister) error {
	if !r.format.isText() {
		var entries []try.Entry
		contents, err := list(func(e try.Entry) error {
			entries = append(entries, e)
			return nil
		})
		r.end()
		if wrong := tryUsage(err); wrong != err {
			return wrong
		}
		report := try.ListReport(name, entries, contents, r.warnings, err)
		return errors.Join(r.format.write(cmd, report), verdict(report))
	}
	err := printData(cmd, list)
	r.end()
	return tryUsage(tryVerdict(cmd.OutOrStdout(), cmd.ErrOrStderr(), try.Result{}, err))
}

// printData prints entries as they come.
func printData(cmd *cobra.Command, list lister) error {
	out := cmd.OutOrStdout()
	entries := 0
	contents, err := list(func(e try.Entry) error {
		entries++
		path := e.Path
		if e.Target != "" {
			path += " -> " + e.Target
		}
		_, err := fmt.Fprintf(out, "%s %10s  %s  %s\n", entrymode.Text(e.Mode), humanize.IBytes(uint64(max(e.Size, 0))),
			e.ModTime.Local().Format("2006-01-02 15:04"), finding.Printable(finding.CutMessage(path)))
		return err
	})
	if err != nil {
		return err
	}
	printFailures(cmd.ErrOrStderr(), "warning: not in it", contents.Failures)
	_, err = fmt.Fprintf(out, "%s of %s %s, from %s, backed up %s\n",
		english.Plural(entries, "entry", "entries"), printed(contents.Type), printed(contents.Origin), printed(contents.Root),
		contents.Time.Local().Format("2006-01-02 15:04"))
	return err
}

// printed is a string out of a data file as it is printed.
func printed(s string) string { return finding.Printable(finding.Cut(s)) }
