package main

import (
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/schema"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of manifest.yaml",
		Long: `Print the JSON schema (draft 2020-12) that manifests are checked against. Editors complete and
check manifest.yaml with it: save it to a file and name that file in a first line of the manifest,
# yaml-language-server: $schema=FILE`,
		Example: `  kpkg schema > manifest.schema.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(schema.Manifest)
			return err
		},
	}
}
