package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// signify runs OpenBSD's program as Debian has it, with an input for its passphrase.
func signify(t *testing.T, dir, input string, args ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "signify-openbsd", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// kpkg runs the program under test in a folder, and fails the test if its status is another.
func kpkg(t *testing.T, dir string, status int, args ...string) rig.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := rig.RunIn(ctx, dir, nil, tools.Kpkg, args...)
	if err != nil || result.Status != status {
		t.Fatalf("kpkg %q: %v, %v; want status %d", args, err, result, status)
	}
	return result
}

// TestSignify has keys and signatures of either program used by the other, with and without a passphrase.
func TestSignify(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const words = "correct horse\n"
	write("words", words)
	for _, sealed := range []bool{false, true} {
		passphrase := []string{"--no-passphrase"}
		open := []string{}
		generate := []string{"-G", "-n"}
		if sealed {
			passphrase, open, generate = []string{"--passphrase-file", "words"}, []string{"--passphrase-file", "words"}, []string{"-G"}
		}
		t.Run(fmt.Sprintf("sealed=%t", sealed), func(t *testing.T) {
			ours, theirs := fmt.Sprintf("ours%t", sealed), fmt.Sprintf("theirs%t", sealed)
			kpkg(t, dir, 0, append([]string{"keygen", ours}, passphrase...)...)
			if out, err := signify(t, dir, words+words, append(generate, "-p", theirs+".pub", "-s", theirs+".sec")...); err != nil {
				t.Fatalf("signify -G: %v\n%s", err, out)
			}
			for _, key := range []string{ours, theirs} {
				// What kpkg signs, signify takes, and its list of sums too.
				file := key + "-by-kpkg"
				write(file, "content of "+file)
				kpkg(t, dir, 0, append([]string{"sign", file, "--key", key + ".sec"}, open...)...)
				if out, err := signify(t, dir, "", "-V", "-e", "-p", key+".pub", "-x", file+".sum.sig", "-m", file+".out"); err != nil {
					t.Errorf("signify -V of %s: %v\n%s", file, err, out)
				}
				signed, err := os.ReadFile(filepath.Join(dir, file+".out"))
				sum, sumErr := os.ReadFile(filepath.Join(dir, file+".sum"))
				if err != nil || sumErr != nil || !bytes.Equal(signed, sum) {
					t.Errorf("signify reads %q out of the signature, %s.sum has %q", signed, file, sum)
				}
				if out, err := signify(t, dir, "", "-C", "-p", key+".pub", "-x", file+".sum.sig"); err != nil {
					t.Errorf("signify -C of %s: %v\n%s", file, err, out)
				}

				// What signify signs, kpkg takes.
				file = key + "-by-signify"
				write(file, "content of "+file)
				sums, err := exec.Command("sh", "-c", fmt.Sprintf("cd '%s' && sha256sum --tag %s > %[2]s.sum", dir, file)).CombinedOutput()
				if err != nil {
					t.Fatalf("sha256sum: %v\n%s", err, sums)
				}
				if out, err := signify(t, dir, words, "-S", "-e", "-s", key+".sec", "-m", file+".sum", "-x", file+".sum.sig"); err != nil {
					t.Fatalf("signify -S with %s: %v\n%s", key, err, out)
				}
				result := kpkg(t, dir, 0, "verify", "--key", key+".pub", "--require-signature", file)
				if !strings.Contains(result.Stdout, "signed with "+key+".pub") {
					t.Errorf("%v", result)
				}

				// And neither takes what was changed.
				write(file, "Content of "+file)
				kpkg(t, dir, 1, "verify", "--key", key+".pub", file)
				if out, err := signify(t, dir, "", "-C", "-p", key+".pub", "-x", file+".sum.sig"); err == nil {
					t.Errorf("signify -C took %s, changed: %s", file, out)
				}
			}
		})
	}
}
