package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/setting"
)

func newTestCommand() *cobra.Command {
	choice := choice{Selection: conformance.Selection{Settings: map[string]string{}}}
	cmd := &cobra.Command{
		Use:   "test PACKAGE|MANIFEST|FOLDER",
		Short: "Run the connectors of a package through the conformance suite",
		Long: `Start the executables of a package, or of the package that is made of a source tree, and hold them to
what plakar expects of importers, exporters and storages: that data comes back as it was, that what goes
wrong is an error and not silence, that hosts may be slow, break off or die, that passwords stay secret.
Plugins may be written in any language.

Connectors of local files (location flag localfs) are tested in temporary folders. Others need a location
to test at: --connector importer:ftp --config location=ftp://localhost/pub --config username=me. Settings
before the first --connector are for all connectors. key=@file takes a value from a file and 'key=$NAME',
quoted, from a variable of the environment; both are cut out of all that is printed. An importer's source
is read many times over: a few hundred files are plenty. For exporters and storages give a location with
nothing in it that matters.

What an exporter writes elsewhere is read back through the package's importer of the same protocol. A
destination that accepts certain files only, such as messages, is sent those of --sample.

What could not be checked is listed with the reason.

Exit status: 0 no check failed; 1 a check failed, or the package has errors; 2 wrong usage; 3 it could not
be tested.`,
		Example: `  kpkg test dist/fs_v1.0.0_linux_amd64.ptar
  kpkg test . --connector importer:ftp --config location=ftp://localhost/pub --format junit
  kpkg test . --connector exporter:imap --config location=imap://localhost --sample testdata/mail`,
		Args: cobra.ExactArgs(1),
	}
	format := formatFlag(cmd.Flags())
	cmd.Flags().Var(connectorFlag{&choice}, "connector",
		"test only this connector, `TYPE:PROTOCOL`; may be repeated for others")
	cmd.Flags().Var(settingFlag{&choice}, "config",
		"`KEY=VALUE` for the last --connector; VALUE may be @FILE or $NAME; may be repeated")
	cmd.Flags().StringVar(&choice.Sample, "sample", "", "`FOLDER` with files that exporters are sent, instead of any")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if choice.unreadable != nil {
			return usagef("--config: %w; it takes KEY=VALUE, as in --config location=ftp://localhost/pub", choice.unreadable)
		}
		choice.CacheDir = cacheDir()
		result, err := conformance.RunPackage(cmd.Context(), args[0], choice.Selection, func(config conformance.Config) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d checks\n",
				finding.Printable(config.Connector()), len(conformance.Checks(config.Type)))
		})
		var rejected *host.RejectedError
		switch {
		case errors.Is(err, conformance.ErrSelection):
			return usageError{err}
		case errors.As(err, &rejected) && format.isText():
			return errors.Join(printFindings(cmd.ErrOrStderr(), rejected.Findings, nil), errFindings)
		case err != nil && format.isText():
			return err
		}
		report := conformance.Report(args[0], result, err)
		report.Show = func(out io.Writer) error { return printTest(out, result, report) }
		if err := format.write(cmd, report); err != nil {
			return err
		}
		if err != nil && rejected == nil {
			return err
		}
		return verdict(report)
	}
	return cmd
}

// choice is what --connector and --config say, in their order, and --sample.
type choice struct {
	conformance.Selection
	unreadable error // why a --config could not be read
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
	if slices.ContainsFunc(f.Connectors, func(one conformance.Selected) bool {
		return one.Type == connectorType && one.Protocol == protocol
	}) {
		return errors.New("it is tested once, as results name the connector only; test other settings in another run")
	}
	f.Connectors = append(f.Connectors, conformance.Selected{
		Type: connectorType, Protocol: protocol, Settings: map[string]string{},
	})
	return nil
}

// settingFlag adds to the choice what --config says. What it cannot read is refused later: the error of a flag repeats what
// was given, which may be a secret.
type settingFlag struct{ *choice }

func (f settingFlag) String() string { return "" }
func (f settingFlag) Type() string   { return "setting" }

func (f settingFlag) Set(arg string) error {
	s, err := setting.Parse(arg)
	if err != nil {
		f.unreadable = err
		return nil
	}
	settings, secrets := f.Settings, &f.Secrets
	if n := len(f.Connectors); n > 0 {
		settings, secrets = f.Connectors[n-1].Settings, &f.Connectors[n-1].Secrets
	}
	settings[s.Key] = s.Value // the last one of a key counts
	if s.Secret {
		*secrets = append(*secrets, s.Value)
	}
	return nil
}

// printTest shows what failed and what was not checked, and the counts of each connector.
func printTest(out io.Writer, result *conformance.PackageResult, report *finding.Report) error {
	if err := report.Text.Write(out, report.Findings); err != nil {
		return err
	}
	for _, config := range result.Configs {
		counts := map[conformance.Status]int{}
		for _, r := range result.Results {
			if r.Connector == config.Connector() {
				counts[r.Status]++
			}
		}
		_, err := fmt.Fprintf(out, "%s: %d passed, %d failed, %d skipped\n", finding.Printable(finding.Cut(config.Connector())),
			counts[conformance.Pass], counts[conformance.Fail], counts[conformance.Skip])
		if err != nil {
			return err
		}
	}
	return nil
}
