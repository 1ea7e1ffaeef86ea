package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/setting"
	"github.com/PlakarKorp/kpkg/manifest"
)

func newTestCommand() *cobra.Command {
	var choice choice
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
	format := formatFlag(cmd.Flags(), "text", "json", "junit")
	cmd.Flags().Var(connectorFlag{&choice}, "connector",
		"test only this connector, `TYPE:PROTOCOL`; may be repeated for others")
	cmd.Flags().Var(settingFlag{&choice}, "config",
		"`KEY=VALUE` for the last --connector; VALUE may be @FILE or $NAME; may be repeated")
	cmd.Flags().StringVar(&choice.sample, "sample", "", "`FOLDER` with files that exporters are sent, instead of any")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if choice.unreadable != nil {
			return usagef("--config: %w; it takes KEY=VALUE, as in --config location=ftp://localhost/pub", choice.unreadable)
		}
		dir, err := os.MkdirTemp("", "kpkg-unpack-")
		if err != nil {
			return fmt.Errorf("making a temporary folder: %w", err)
		}
		defer os.RemoveAll(dir)
		integration, err := host.Open(cmd.Context(), args[0], dir)
		var rejected *host.RejectedError
		if errors.As(err, &rejected) {
			return errors.Join(printFindings(cmd.ErrOrStderr(), rejected.Findings, nil), errFindings)
		}
		if err != nil {
			return err
		}
		configs, err := choice.configs(integration)
		if err != nil {
			return err
		}
		results, err := testAll(cmd.Context(), cmd.ErrOrStderr(), configs)
		if err != nil {
			return err
		}
		findings := conformance.Findings(integration.Package, results)
		if err := printTest(cmd.OutOrStdout(), format.name, configs, results, findings); err != nil {
			return fmt.Errorf("printing the results: %w", err)
		}
		return verdict(findings)
	}
	return cmd
}

// choice is what --connector and --config say, in their order, and --sample.
type choice struct {
	sample     string
	all        []setting.Setting // of every connector
	chosen     []*chosen
	unreadable error // why a --config could not be read
}

type chosen struct {
	connectorType, protocol string
	settings                []setting.Setting
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
	if slices.ContainsFunc(f.chosen, func(one *chosen) bool {
		return one.connectorType == connectorType && one.protocol == protocol
	}) {
		return errors.New("it is tested once, as results name the connector only; test other settings in another run")
	}
	f.chosen = append(f.chosen, &chosen{connectorType: connectorType, protocol: protocol})
	return nil
}

// settingFlag adds to the choice what --config says. What it cannot read is refused later: the error of a flag repeats what
// was given, which may be a secret.
type settingFlag struct{ *choice }

func (f settingFlag) String() string { return "" }
func (f settingFlag) Type() string   { return "setting" }

func (f settingFlag) Set(arg string) error {
	s, err := setting.Parse(arg)
	switch n := len(f.chosen); {
	case err != nil:
		f.unreadable = err
	case n > 0:
		f.chosen[n-1].settings = append(f.chosen[n-1].settings, s)
	default:
		f.all = append(f.all, s)
	}
	return nil
}

// configure gives a test its settings. The last one of a key counts.
func configure(config conformance.Config, settings ...setting.Setting) conformance.Config {
	config.Settings = map[string]string{}
	for _, s := range settings {
		config.Settings[s.Key] = s.Value
		if s.Secret {
			config.Secrets = append(config.Secrets, s.Value)
		}
	}
	return config
}

// configs are the tests to be made: of what was chosen, else of every connector with its first protocol.
func (c *choice) configs(integration *host.Integration) ([]conformance.Config, error) {
	var all, chosen []conformance.Config
	for _, connector := range integration.Manifest.Connectors {
		for i, protocol := range connector.Protocols {
			config := conformance.Config{
				Type: connector.Type, Protocol: protocol, Program: programOf(integration, connector),
				LocationFlags: flagsOf(connector),
			}
			if config.Type == conformance.Exporter {
				config.Sample, config.ReadBack = c.sample, importerOf(integration, protocol)
			}
			if _, _, err := conformance.ParseConnector(config.Connector()); err == nil && i == 0 {
				all = append(all, configure(config, c.all...))
			}
			for _, one := range c.chosen {
				if one.connectorType == connector.Type && one.protocol == protocol {
					chosen = append(chosen, configure(config, slices.Concat(c.all, one.settings)...))
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no importer, exporter or storage to test", integration.Package)
	}
	if len(chosen) < len(c.chosen) {
		var has []string
		for _, config := range all {
			has = append(has, config.Connector())
		}
		return nil, usagef("%s does not have all those connectors; it has %s", integration.Package, strings.Join(has, ", "))
	}
	if len(c.chosen) == 0 {
		chosen = all
	}
	isExporter := func(config conformance.Config) bool { return config.Type == conformance.Exporter }
	if c.sample != "" && !slices.ContainsFunc(chosen, isExporter) {
		return nil, usagef("--sample is for exporters, and none is tested")
	}
	return chosen, nil
}

func programOf(integration *host.Integration, c manifest.Connector) conformance.Program {
	return conformance.Program{Executable: integration.Executable(c), Args: c.Args}
}

// importerOf is the program of the importer of a protocol, nothing if the package has none.
func importerOf(integration *host.Integration, protocol string) conformance.Program {
	for _, c := range integration.Manifest.Connectors {
		if c.Type == conformance.Importer && slices.Contains(c.Protocols, protocol) {
			return programOf(integration, c)
		}
	}
	return conformance.Program{}
}

// flagsOf are the location flags of a connector, never nil: a manifest without them says that there are none.
func flagsOf(c manifest.Connector) []string { return append([]string{}, c.LocationFlags...) }

func testAll(ctx context.Context, diagnostics io.Writer, configs []conformance.Config) ([]conformance.Result, error) {
	var all []conformance.Result
	for _, config := range configs {
		fmt.Fprintf(diagnostics, "%s: %d checks\n", config.Connector(), len(conformance.Checks(config.Type)))
		results, err := conformance.Run(ctx, config)
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
	}
	return all, nil
}

// testReport is the JSON of test.
type testReport struct {
	finding.Report
	Checks []conformance.Result `json:"checks"`
}

func printTest(
	out io.Writer, format string, configs []conformance.Config, results []conformance.Result, findings []finding.Finding,
) error {
	switch format {
	case "json":
		return finding.WriteJSON(out, testReport{finding.NewReport(findings), results})
	case "junit":
		var cases []finding.Case
		for _, r := range results {
			c := finding.Case{Suite: r.Connector, Name: r.ID, Seconds: r.Seconds}
			switch r.Status {
			case conformance.Fail:
				c.Failure = r.Title + ": " + r.Detail
			case conformance.Skip:
				c.Skipped = r.Detail
			}
			cases = append(cases, c)
		}
		return finding.WriteJUnit(out, "kpkg test", cases)
	}
	if err := printFindings(out, findings, nil); err != nil {
		return err
	}
	for _, config := range configs {
		own := slices.DeleteFunc(slices.Clone(results), func(r conformance.Result) bool {
			return r.Connector != config.Connector()
		})
		counts := map[conformance.Status]int{}
		for _, r := range own {
			counts[r.Status]++
		}
		fmt.Fprintf(out, "%s: %d passed, %d failed, %d skipped\n", finding.Printable(config.Connector()),
			counts[conformance.Pass], counts[conformance.Fail], counts[conformance.Skip])
	}
	return nil
}
