package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/trust"
)

func newTrustCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Say whose packages may be installed, and from where",
		Long: `Keep the public keys that signatures are held to, and where each counts. They are in the folder that plakar's
newer clients read too: trust, beside plakar's configuration.

Exit status: 0 fine; 2 wrong usage; 3 it could not be done.`,
	}
	cmd.AddCommand(newTrustAddCommand(), newTrustListCommand(), newTrustRemoveCommand())
	return cmd
}

func newTrustAddCommand() *cobra.Command {
	var root string
	var scopes []string
	cmd := &cobra.Command{
		Use:   "add KEY...",
		Short: "Trust public keys, for a registry or for files",
		Long: `Trust the public keys in files, or at https addresses, where the scopes say: the address of a registry, which has
all that is below it, or "local", for files and for registries in folders. A key that is trusted
already counts there too from then on.

Make sure by another way than the one that packages come by that a key is whose it says.

Exit status: 0 fine; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg trust add acme-2026.pub --scope https://packages.example.org/acme
  kpkg trust add acme-2026.pub --scope local`,
		ValidArgsFunction: completeFiles("pub"),
	}
	format := formatFlag(cmd, "text", "json")
	cmd.Flags().StringArrayVar(&scopes, "scope", nil, "the key counts for `SCOPE`: the address of a registry, or local; may be repeated")
	rootFlag(cmd, &root)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(scopes) == 0 {
			return usagef("say where the key counts: --scope ADDRESS of a registry, or --scope local")
		}
		var where []trust.Scope
		for _, text := range scopes {
			scope, err := trust.ParseScope(servers.Take(text))
			if err != nil {
				return usageError{err}
			}
			where = append(where, scope)
		}
		folder, err := trust.UserFolder(root)
		if err != nil {
			return err
		}
		var keys []trust.Key
		for _, from := range args {
			var key trust.Key
			name, data, failed := readKey(cmd.Context(), from)
			if failed == nil {
				key, failed = folder.Add(name, data, where)
			}
			if err = failed; err != nil {
				break
			}
			keys = append(keys, key)
		}
		return writeKeys(cmd, format, keys, err, func(out io.Writer) error {
			for _, key := range keys {
				if err := printVerdict(out, true, "trusted  %s (%s) for %s", key.Name, key.Public.ID, scopeList(key)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}

// readKey reads a public key in a file or at an address, and says what its file is to be called.
func readKey(ctx context.Context, from string) (name string, data []byte, err error) {
	if access.IsAddress(from) {
		if err := access.Secure(from); err != nil {
			return "", nil, err
		}
		name = path.Base(access.Shown(from))
		data, err = access.Read(ctx, from, release.MaxSidecar)
	} else {
		name = filepath.Base(from)
		data, err = regular.Read(from, release.MaxSidecar+1)
	}
	if err != nil {
		return "", nil, fmt.Errorf("reading a public key: %w", err)
	}
	key, err := release.ParsePublicKey(access.Shown(from), data)
	if err != nil {
		return "", nil, err
	}
	return keyName(name, key), data, nil
}

func scopeList(key trust.Key) string {
	var scopes []string
	for _, scope := range key.Scopes {
		scopes = append(scopes, scope.String())
	}
	if len(scopes) == 0 {
		return "nothing"
	}
	return strings.Join(scopes, ", ")
}

// trustedKey is a key in JSON.
type trustedKey struct {
	Name    string   `json:"name"`
	Key     string   `json:"key"`
	Comment string   `json:"comment"`
	Scopes  []string `json:"scopes"`
}

func newTrustListCommand() *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the trusted keys, and where each counts",
		Long: `List the keys that are trusted, by kpkg and by plakar's newer clients, and where each counts. A key without a scope
counts nowhere.

Exit status: 0 fine; 2 wrong usage; 3 one cannot be read.`,
		Example: `  kpkg trust list`,
	}
	format := formatFlag(cmd, "text", "json")
	rootFlag(cmd, &root)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		folder, err := trust.UserFolder(root)
		if err != nil {
			return err
		}
		keys, err := folder.Keys()
		return writeKeys(cmd, format, keys, err, func(out io.Writer) error {
			if err != nil {
				return nil
			}
			return printKeys(out, folder, keys)
		})
	}
	return cmd
}

// writeKeys reports the keys that a command has to do with, and the error that ended it.
func writeKeys(cmd *cobra.Command, format *format, keys []trust.Key, err error, show func(io.Writer) error) error {
	var list []trustedKey
	for _, key := range keys {
		one := trustedKey{Name: finding.Cut(key.Name), Key: key.Public.ID.String(), Comment: finding.Cut(key.Public.Comment), Scopes: []string{}}
		for _, scope := range key.Scopes {
			one.Scopes = append(one.Scopes, finding.Cut(scope.String()))
		}
		list = append(list, one)
	}
	report := &finding.Report{Command: "trust " + cmd.Name(), Lists: []finding.List{finding.NewList("keys", list)}, Show: show}
	if err != nil {
		report.Fail("", err)
	}
	return errors.Join(format.write(cmd, report), err)
}

func printKeys(out io.Writer, folder trust.Folder, keys []trust.Key) error {
	if len(keys) == 0 {
		return printVerdict(out, true, "no key is trusted in %s", string(folder))
	}
	t := table{columns: []column{{title: "NAME"}, {title: "KEY"}, {title: "COUNTS FOR"}}}
	for _, key := range keys {
		t.add(finding.Printable(key.Name), key.Public.ID.String(), finding.Printable(finding.Cut(scopeList(key))))
	}
	if err := t.write(out, width(out)); err != nil {
		return err
	}
	return printVerdict(out, true, "%s in %s", english.Plural(len(keys), "key", ""), string(folder))
}

func newTrustRemoveCommand() *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use:   "remove KEY...",
		Short: "Trust keys no longer",
		Long: `Take keys, by name or by id, out of those that are trusted. What they have signed is not installed any more; what is
installed stays, and kpkg installed says so.

Exit status: 0 all are gone; 2 wrong usage; 3 one was not there, or it could not be done.`,
		Example:           `  kpkg trust remove acme-2025`,
		ValidArgsFunction: completeTrusted,
	}
	format := formatFlag(cmd, "text", "json")
	rootFlag(cmd, &root)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		folder, err := trust.UserFolder(root)
		if err != nil {
			return err
		}
		var keys []trust.Key
		for _, name := range args {
			key, failed := folder.Remove(name)
			if err = failed; err != nil {
				break
			}
			keys = append(keys, key)
		}
		return writeKeys(cmd, format, keys, err, func(out io.Writer) error {
			for _, key := range keys {
				if err := printVerdict(out, true, "removed  %s (%s)", key.Name, key.Public.ID); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}

// completeTrusted has the shell offer the names of trusted keys.
func completeTrusted(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	folder, err := trust.UserFolder("")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	keys, _ := folder.Keys()
	var names []string
	for _, key := range keys {
		names = append(names, key.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
