package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/interruptible"
	"github.com/PlakarKorp/kpkg/release"
)

// maxPassphrase is the longest passphrase, in bytes.
const maxPassphrase = 1024

// passphrase is where the passphrase of a secret key comes from: never an argument, which other users of a machine can see.
type passphrase struct{ file string }

func (p *passphrase) addFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "passphrase-file", "", "read the passphrase from the first line of `FILE`, - for the standard input")
}

// choose asks for the passphrase of a new key.
func (p *passphrase) choose(cmd *cobra.Command) ([]byte, error) {
	words, err := p.read(cmd, "passphrase for the new key: ")
	if err != nil || p.file != "" {
		return words, err
	}
	again, err := p.read(cmd, "the same again: ")
	if err == nil && !bytes.Equal(words, again) {
		err = errors.New("the two passphrases differ")
	}
	return words, err
}

// read takes the passphrase from where it is to come from. It is not empty.
func (p *passphrase) read(cmd *cobra.Command, prompt string) (words []byte, err error) {
	switch p.file {
	case "":
		words, err = askTerminal(cmd.Context(), prompt)
	case "-":
		words, err = firstLine(cmd.Context(), func() (io.ReadCloser, error) { return io.NopCloser(cmd.InOrStdin()), nil })
	default:
		words, err = firstLine(cmd.Context(), func() (io.ReadCloser, error) { return os.Open(p.file) })
	}
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	if len(words) == 0 {
		return nil, errors.New("the passphrase is empty")
	}
	return words, nil
}

// firstLine is the first line of what open's reader gives, which may be a pipe that nobody writes to.
func firstLine(ctx context.Context, open func() (io.ReadCloser, error)) ([]byte, error) {
	data, err := interruptible.Read(ctx, open, maxPassphrase+2)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > maxPassphrase {
		return nil, fmt.Errorf("it is longer than %d bytes", maxPassphrase)
	}
	return line, nil
}

// askTerminal asks who sits at the terminal, whatever the standard input is.
func askTerminal(ctx context.Context, prompt string) ([]byte, error) {
	terminal, err := openTerminal()
	if err != nil {
		return nil, errors.New("there is no terminal to ask on: give --passphrase-file FILE, or - for the standard input")
	}
	defer terminal.Close()
	fd := int(terminal.Fd())
	// A signal that ends the program in the midst of this must not leave a terminal that shows nothing.
	state, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	defer term.Restore(fd, state)
	fmt.Fprint(terminal, prompt)
	defer fmt.Fprintln(terminal)
	type answer struct {
		words []byte
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		words, err := term.ReadPassword(fd)
		answered <- answer{words, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case a := <-answered:
		return a.words, a.err
	}
}

// keyFlag is the secret key that a command signs with.
type keyFlag struct {
	file  string
	words passphrase
}

func (k *keyFlag) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.file, "key", "", "sign with the secret key in `FILE`")
	k.words.addFlag(cmd)
}

// open reads the key; it is nil when none is given.
func (k *keyFlag) open(cmd *cobra.Command) (*release.SecretKey, error) {
	if k.file == "" {
		if k.words.file != "" {
			return nil, usagef("--passphrase-file opens the key of --key, which is not given")
		}
		return nil, nil
	}
	return release.ReadSecretKey(k.file, func() ([]byte, error) {
		return k.words.read(cmd, "passphrase of "+finding.Printable(k.file)+": ")
	})
}
