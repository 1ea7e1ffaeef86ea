package finding

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

var _ = register("sarif", writeSARIF)

// The parts of a SARIF log that code scanning and editors read. Source: OASIS, "Static Analysis Results Interchange Format
// (SARIF) Version 2.1.0".
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Automation  sarifAutomation   `json:"automationDetails"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string       `json:"id"`
		Short   sarifMessage `json:"shortDescription"`
		Help    sarifMessage `json:"help"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful bool `json:"executionSuccessful"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
)

var sarifLevels = [...]string{Error: "error", Warning: "warning", Info: "note"}

// writeSARIF writes one run, with the rules that its findings name.
func writeSARIF(w io.Writer, r *Report) error {
	run := sarifRun{
		Invocations: []sarifInvocation{{Successful: !r.Failed}},
		// Code scanning keeps the newest results of each category: those of verify must not end those of validate.
		Automation: sarifAutomation{"kpkg " + r.Command + "/"},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{}, // must be there, also of nothing
	}
	run.Tool.Driver = sarifDriver{Name: "kpkg", Rules: sarifRules(r)}
	sources := newSources(r.Text.Source)
	for _, f := range r.Findings {
		message := Printable(cut(f.Message, maxMessage))
		if f.Hint != "" {
			message += "\n" + Printable(cut(f.Hint, maxMessage))
		}
		result := sarifResult{RuleID: f.Rule, Level: sarifLevels[f.Severity], Message: sarifMessage{message}}
		if f.File != "" {
			location := sarifLocation{}
			location.Physical.Artifact.URI = fileURI(r.located(f))
			if f.Line > 0 {
				location.Physical.Region = &sarifRegion{f.Line, sources.column(f)}
			}
			result.Locations = []sarifLocation{location}
		}
		run.Results = append(run.Results, result)
	}
	j := jsonWriter{w: w}
	j.value(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}, "")
	j.text("\n")
	return j.err
}

// sarifRules describes the rules that findings name, in the order of their ids.
func sarifRules(r *Report) []sarifRule {
	rules := []sarifRule{}
	for _, rule := range r.Rules {
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Rule == rule.ID }) {
			continue
		}
		described := sarifRule{ID: rule.ID, Short: sarifMessage{rule.Title}, Help: sarifMessage{rule.Fix}}
		described.Default.Level = sarifLevels[rule.Severity]
		rules = append(rules, described)
	}
	slices.SortFunc(rules, func(a, b sarifRule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

// fileURI is a path as a reference: relative to the top of what is scanned, or absolute.
func fileURI(path string) string {
	slashed := filepath.ToSlash(path)
	if filepath.IsAbs(path) {
		return (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(slashed, "/")}).String()
	}
	return (&url.URL{Path: slashed}).String() // with ./ where the first part has a colon
}
