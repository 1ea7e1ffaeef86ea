//go:build !unix

package main

import (
	"errors"
	"os"

	"golang.org/x/term"
)

// openTerminal is the standard error, of a program that has it and its input on a terminal.
func openTerminal() (*os.File, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, errors.New("the standard input is no terminal")
	}
	return os.OpenFile("CONIN$", os.O_RDWR, 0)
}
