// Command ownrelease makes the release of kpkg itself: what make release runs.
//
// It clones the commit that is checked out, builds kpkg from the clone for every platform, and writes a folder with an archive
// for each, Debian packages, lists of parts, sums and, with a key, signatures. The version is the one that Go writes into the
// program, that of the tag at the commit. The same commit and the same version of Go give the same bytes, in whatever
// folder. It refuses to replace a folder that is there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/PlakarKorp/kpkg/executable"
)

func main() {
	opts := options{dir: ".", platforms: executable.Shipped()}
	flag.StringVar(&opts.outDir, "out-dir", "dist", "`DIR` in which the folder of the release appears")
	flag.StringVar(&opts.key, "key", "", "sign with the secret key in `FILE`")
	flag.StringVar(&opts.passphraseFile, "passphrase-file", "", "read the key's passphrase from the first line of `FILE`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, opts, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ownrelease:", err)
		os.Exit(1)
	}
}
