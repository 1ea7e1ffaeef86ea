package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/setting"
	"github.com/PlakarKorp/kpkg/shard"
)

func newTestCommand() *cobra.Command {
	choice := choice{Selection: conformance.Selection{Settings: map[string]string{}}}
	cmd := &cobra.Command{
		Use:   "test [PACKAGE|MANIFEST|FOLDER]...",
		Short: "Run the connectors of a package through the conformance suite",
		Long: `Start the executables of a package, or of the package that is made of a source tree, and hold them to
what plakar expects of each type of connector: that data comes back as it was, that what goes
wrong is an error and not silence, that hosts may be slow, break off or die, that passwords stay secret.
Without an argument, test the source tree in the current folder. Plugins may be written in any language.

Connectors of local files (location flag localfs) are tested in temporary folders. Others need a location
to test at: --connector importer:ftp --config location=ftp://localhost/pub --config username=me. Settings
before the first --connector are for all connectors. key=@file takes a value from a file and 'key=$NAME',
quoted, from a variable of the environment; both are cut out of all that is printed. An importer's source
is read many times over: a few hundred files are plenty. For exporters and storages give a location with
nothing in it that matters. Secret providers and inventories have settings alone.

Of several packages each is a line. Those of other architectures run through qemu-user where it is in PATH,
on Linux; what cannot run on this machine is listed with the reason.

What an exporter writes elsewhere is read back through the package's importer of the same protocol. A
destination that accepts certain files only, such as messages, is sent those of --sample.

Connectors in container images run from NAME_vX.Y.Z_OS_ARCH.oci.tar beside the package, on Linux: with a
read-only root, without privileges, and over a socket. crun makes the containers where it is in PATH and
works, and kpkg itself elsewhere: neither docker nor podman is needed.

What could not be checked is counted by its reason; --verbose lists it. --list shows all checks; --only and
--skip choose among them, by their names or patterns such as 'plugin-*'.

PACKAGE may also be an http(s) URL, or - for the standard input.

With --shard, the packages of a part of the integrations are tested (docs/scale.md).

Exit status: 0 no check failed; 1 a check failed, or the package has errors; 2 wrong usage; 3 it could not
be tested, as a connector without a location.`,
		Example: `  kpkg test dist/fs_v1.0.0_linux_amd64.ptar
  kpkg test --connector importer:ftp --config location=ftp://localhost/pub
  kpkg test . --connector exporter:imap --config location=imap://localhost \
      --sample testdata/mail
  kpkg test . --only 'plugin-*' --format junit
  kpkg test dist/*.ptar`,
		ValidArgsFunction: completeInputs,
	}
	format := formatFlag(cmd)
	var list bool
	var parts shardFlags
	parts.add(cmd)
	cmd.Flags().Var(connectorFlag{&choice}, "connector",
		"test only this connector, `TYPE:PROTOCOL`; may be repeated for others")
	cmd.Flags().Var(settingFlag{&choice}, "config",
		"`KEY=VALUE` for the last --connector; VALUE may be @FILE or $NAME; may be repeated")
	cmd.Flags().StringVar(&choice.Sample, "sample", "", "`FOLDER` with files that exporters are sent, instead of any")
	cmd.Flags().Var(checksFlag{&choice.Only}, "only", "run these `CHECKS` only; may be repeated")
	cmd.Flags().Var(checksFlag{&choice.Skip}, "skip", "leave these `CHECKS` out; may be repeated")
	emulatorFlag(cmd, &choice.Building.Emulator)
	cmd.Flags().BoolVar(&list, "list", false, "list the checks, without running any")
	cmd.Flags().BoolVar(&choice.Building.Debug, "debug", false, "build for a debugger: not stripped, not optimised")
	completeFolders(cmd, "sample")
	must(cmd.RegisterFlagCompletionFunc("connector", completeConnectors))
	must(cmd.RegisterFlagCompletionFunc("config", choice.completeSettings))
	completeLists(cmd, "only", checkValues)
	completeLists(cmd, "skip", checkValues)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if list {
			return printChecks(cmd.OutOrStdout())
		}
		if len(args) == 0 {
			args = []string{"."}
		}
		if err := choice.readSettings(cmd.Context()); err != nil {
			return err
		}
		job, err := parts.job(cmd, func(w shard.Weights) ([]shard.Unit, error) { return shard.Packages(args, w), nil })
		if err != nil {
			return err
		}
		if job != nil {
			args = job.Paths()
		}
		for _, path := range args {
			if err := sourceForDebugger(choice.Building.Debug, path); err != nil {
				return err
			}
		}
		choice.Building.CacheDir = cacheDir()
		shown := &counter{out: cmd.ErrOrStderr()}
		choice.Started, choice.Checked = shown.begin, shown.count
		begin := time.Now()
		var tests []conformance.Tested
		for _, path := range args {
			if len(args) > 1 {
				shown.of = path
			}
			result, err := conformance.RunPackage(cmd.Context(), path, choice.Selection)
			shown.end()
			if errors.Is(err, conformance.ErrSelection) {
				return usageOf(err, conformance.ErrSelection)
			}
			tests = append(tests, conformance.Tested{Path: path, Result: result, Err: err})
			if cmd.Context().Err() != nil {
				break
			}
		}
		if len(tests) == 1 && job == nil {
			return reportTest(cmd, format, tests[0], time.Since(begin))
		}
		report := conformance.Report(tests...)
		if job != nil {
			report.Lists = append(report.Lists, job.List())
		}
		report.Show = func(out io.Writer) error { return printPackages(out, tests, report, time.Since(begin)) }
		if err := format.write(cmd, report); err != nil {
			return err
		}
		return verdict(report)
	}
	return cmd
}

// reportTest reports the test of one package.
func reportTest(cmd *cobra.Command, format *format, test conformance.Tested, took time.Duration) error {
	var rejected *host.RejectedError
	if test.Err != nil && format.isText() && !errors.As(test.Err, &rejected) {
		return test.Err
	}
	report := conformance.Report(test)
	report.Show = func(out io.Writer) error {
		if rejected != nil {
			return printRejected(out, rejected)
		}
		return printTested(out, test.Result, report, took)
	}
	if err := format.write(cmd, report); err != nil {
		return err
	}
	if test.Err != nil && !errors.As(test.Err, &rejected) {
		return test.Err
	}
	return verdict(report)
}

// emulatorFlag adds --emulator.
func emulatorFlag(cmd *cobra.Command, emulator *host.Emulator) {
	*emulator = host.AutoEmulator
	cmd.Flags().StringVar((*string)(emulator), "emulator", string(host.AutoEmulator),
		"what runs Linux packages of other architectures: auto (qemu-user, where it is in PATH), none, or a `PROGRAM`")
	completeValues(cmd, "emulator", string(host.AutoEmulator), string(host.NoEmulator))
}

// choice is what --connector and --config say, in their order, and --sample.
type choice struct {
	conformance.Selection
	settings []givenSetting
}

// givenSetting is a --config as it was given.
type givenSetting struct {
	text      string
	connector int // the one it is for, in the order of the selection; -1 for all
}

// connectorFlag adds to the choice what --connector says.
type connectorFlag struct{ *choice }

func (f connectorFlag) String() string { return "" }
func (f connectorFlag) Type() string   { return "connector" }

func (f connectorFlag) Set(s string) error {
	connectorType, protocol, err := conformance.ParseConnector(s)
	if err != nil {
		return err
	}
	if !completing && slices.ContainsFunc(f.Connectors, func(one conformance.Selected) bool {
		return one.Type == connectorType && one.Protocol == protocol
	}) {
		return errors.New("it is tested once, as results name the connector only; test other settings in another run")
	}
	f.Connectors = append(f.Connectors, conformance.Selected{
		Type: connectorType, Protocol: protocol, Settings: map[string]string{},
	})
	return nil
}

// settingFlag adds to the choice what --config says. It is read later: reading may have to wait, and the error of a flag
// repeats what was given, which may be a secret.
type settingFlag struct{ *choice }

func (f settingFlag) String() string { return "" }
func (f settingFlag) Type() string   { return "setting" }

func (f settingFlag) Set(arg string) error {
	f.settings = append(f.settings, givenSetting{arg, len(f.Connectors) - 1})
	return nil
}

// readSettings takes what --config says into the selection.
func (c *choice) readSettings(ctx context.Context) error {
	for _, given := range c.settings {
		s, err := setting.Parse(ctx, given.text)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			example := ""
			if errors.Is(err, setting.ErrForm) {
				example = ", as in --config location=ftp://localhost/pub"
			}
			return usagef("--config: %w%s", err, example)
		}
		settings, secrets := c.Settings, &c.Secrets
		if given.connector >= 0 {
			settings, secrets = c.Connectors[given.connector].Settings, &c.Connectors[given.connector].Secrets
		}
		if _, twice := settings[s.Key]; twice {
			return usagef("--config: %s is given twice for one connector", s.Key)
		}
		settings[s.Key] = s.Value
		if s.Secret {
			*secrets = append(*secrets, s.Value)
		}
	}
	return nil
}

// checksFlag is a list of checks that may come in several parts.
type checksFlag struct{ ids *[]string }

func (f checksFlag) String() string { return "" }
func (f checksFlag) Type() string   { return "checks" }

func (f checksFlag) Set(s string) error {
	*f.ids = append(*f.ids, strings.Split(s, ",")...)
	return nil
}

// printChecks lists the checks and the types of connectors that they are for.
func printChecks(out io.Writer) error {
	var order []conformance.Check
	types := map[string][]string{}
	for _, connectorType := range conformance.Types() {
		for _, check := range conformance.Checks(connectorType) {
			if types[check.ID] == nil {
				order = append(order, check)
			}
			types[check.ID] = append(types[check.ID], connectorType)
		}
	}
	indentation := "    "
	for _, check := range order {
		line := fmt.Sprintf("%s: %s (%s)", check.ID, check.Title, strings.Join(types[check.ID], ", "))
		if _, err := fmt.Fprintln(out, finding.Wrap(line, width(out), indentation)); err != nil {
			return err
		}
	}
	return nil
}

// counter shows how many of a connector's checks are made: in a line that moves on a terminal, and elsewhere how many there
// are, once.
type counter struct {
	out         io.Writer
	of          string // the package, if there are several
	name        string
	done, total int
}

func (c *counter) begin(config conformance.Config, checks int) {
	c.end()
	c.name, c.done, c.total = finding.Cut(config.Connector()), 0, checks
	if c.of != "" {
		c.name = c.of + ": " + c.name
	}
	c.name = finding.Printable(c.name)
	if !isTerminal(c.out) && !screen.quiet {
		fmt.Fprintf(c.out, "%s: %s\n", c.name, english.Plural(checks, "check", ""))
	}
	c.show()
}

func (c *counter) count(conformance.Config, conformance.Result) {
	c.done++
	c.show()
}

func (c *counter) show() {
	if isTerminal(c.out) && !screen.quiet {
		fmt.Fprintf(c.out, "%s%s: %d/%d", clearLine, c.name, c.done, c.total)
	}
}

// end takes the line away.
func (c *counter) end() {
	if c.total > 0 && isTerminal(c.out) && !screen.quiet {
		fmt.Fprint(c.out, clearLine)
	}
}

// clearLine empties the line of a terminal and goes back to its begin.
const clearLine = "\r\x1b[K"

// printRejected shows why nothing of a package was tested.
func printRejected(out io.Writer, rejected *host.RejectedError) error {
	if err := printFindings(out, rejected.Findings, nil); err != nil {
		return err
	}
	return printVerdict(out, false, "%s: %s; nothing was tested", rejected.Path, finding.Tally(rejected.Findings))
}

// printTested shows what was not checked as numbers, then what failed in full, and the counts of each connector.
func printTested(out io.Writer, result *conformance.PackageResult, report *finding.Report, took time.Duration) error {
	if err := printSkipped(out, report); err != nil {
		return err
	}
	if err := report.Text.Write(out, onlyErrors(report.Findings)); err != nil {
		return err
	}
	total := map[conformance.Status]int{}
	time := fmt.Sprintf("%.1fs", took.Seconds())
	for _, config := range result.Configs {
		counts := map[conformance.Status]int{}
		for _, r := range result.Results {
			if r.Connector == config.Connector() {
				counts[r.Status]++
				total[r.Status]++
			}
		}
		good := counts[conformance.Fail] == 0 && !slices.Contains(result.Untested, config.Connector())
		line := finding.Cut(config.Connector()) + ": " + counted(counts)
		if len(result.Configs) == 1 {
			line += ", " + time
		}
		if err := printVerdict(out, good, "%s", line); err != nil {
			return err
		}
		if err := printCosts(out, result.Costs, config.Connector()); err != nil {
			return err
		}
	}
	if len(result.Configs) == 1 {
		return nil
	}
	good := total[conformance.Fail] == 0 && len(result.Untested) == 0
	return printVerdict(out, good, "%d connectors, %s, %s", len(result.Configs), counted(total), time)
}

// printCosts tells what a connector took for its work.
func printCosts(out io.Writer, costs []conformance.Cost, connector string) error {
	if screen.quiet {
		return nil
	}
	for _, c := range costs {
		if c.Connector != connector {
			continue
		}
		if _, err := fmt.Fprintln(out, finding.Wrap(finding.Printable("    "+c.String()), width(out), "    ")); err != nil {
			return err
		}
	}
	return nil
}

// printPackages shows what failed, then a line for each package.
func printPackages(out io.Writer, tests []conformance.Tested, report *finding.Report, took time.Duration) error {
	if err := report.Text.Write(out, onlyErrors(report.Findings)); err != nil {
		return err
	}
	tested, failed := 0, 0
	for _, t := range tests {
		var rejected *host.RejectedError
		good, line := false, ""
		switch {
		case t.Elsewhere() != "":
			if _, err := fmt.Fprintln(out, finding.Wrap(finding.Printable(t.Path+": not tested: "+t.Elsewhere()), width(out), "    ")); err != nil {
				return err
			}
			continue
		case errors.As(t.Err, &rejected):
			line = finding.Tally(rejected.Findings) + "; nothing was tested"
		case t.Err != nil:
			line = "not tested: " + errorText(t.Err)
		default:
			tested++
			total := map[conformance.Status]int{}
			for _, r := range t.Result.Results {
				total[r.Status]++
			}
			good = total[conformance.Fail] == 0 && len(t.Result.Untested) == 0
			line = fmt.Sprintf("%s, %s", english.Plural(len(t.Result.Configs), "connector", ""), counted(total))
		}
		if !good {
			failed++
		}
		if err := printVerdict(out, good, "%s: %s", finding.Cut(t.Path), line); err != nil {
			return err
		}
	}
	good := failed == 0 && (tested > 0 || len(tests) == 0)
	return printVerdict(out, good, "%d packages: %d tested, %d failed, %d not for this machine, %.1fs",
		len(tests), tested, failed, len(tests)-tested-untestedOf(tests), took.Seconds())
}

// untestedOf counts the packages that could not be tested for another reason than their platform.
func untestedOf(tests []conformance.Tested) int {
	n := 0
	for _, t := range tests {
		if t.Err != nil && t.Elsewhere() == "" {
			n++
		}
	}
	return n
}

func counted(counts map[conformance.Status]int) string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped",
		counts[conformance.Pass], counts[conformance.Fail], counts[conformance.Skip])
}

// printSkipped tells what was not checked: how much for each reason and, where that is wanted, which checks.
func printSkipped(out io.Writer, report *finding.Report) error {
	if screen.quiet {
		return nil
	}
	var notes []finding.Finding
	for _, f := range report.Findings {
		if f.Severity != finding.Error {
			notes = append(notes, f)
		}
	}
	if screen.verbose {
		return report.Text.Write(out, notes)
	}
	for _, f := range notes {
		if _, err := fmt.Fprintln(out, finding.Wrap(finding.Printable(f.Message), width(out), "    ")); err != nil {
			return err
		}
	}
	return nil
}
