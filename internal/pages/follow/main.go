// Command follow runs the commands of a page of the documentation, for tests in other modules:
//
//	follow ROOT PAGE MARK...
//
// The page is below the folder ROOT, its commands run in the current folder with this environment.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/PlakarKorp/kpkg/internal/pages"
)

func main() {
	if err := follow(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func follow(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: follow ROOT PAGE MARK...")
	}
	page, problems, err := pages.Read(args[0], args[1])
	if err := errors.Join(append(problems, err)...); err != nil {
		return err
	}
	return page.Run(context.Background(), ".", os.Environ(), args[2:]...)
}
