package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/remote"
	"github.com/PlakarKorp/kpkg/serve"
)

func newServeCommand() *cobra.Command {
	var words passphrase
	var listen string
	cmd := &cobra.Command{
		Use:   "serve FILE",
		Short: "Show a package or an archive in a browser, and as a drive",
		Long: `Show what is in FILE, a package or an archive, or the http(s) URL of one, at an address that is printed: folders and
files, search by name, previews of text, images, tables, databases and mail, downloads, and what differs between two
snapshots. With dav/ behind the address it is a drive that WebDAV clients open. It only reads, and nothing of what is
in the archive runs.

The address is one of this machine alone and holds a token, without which nothing is answered; --listen takes another
address, on which whoever has the token can read everything.

Exit status: 0 it was served until ^C; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg serve backup.ptar
  kpkg serve https://example.org/backup.ptar --listen 127.0.0.1:8080`,
		ValidArgsFunction: completeFiles("ptar"),
	}
	words.addFlag(cmd)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "`ADDRESS` to listen on, HOST:PORT")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		host, _, err := net.SplitHostPort(listen)
		if err != nil {
			return usagef("--listen %q is no HOST:PORT", finding.Cut(listen))
		}
		archive, err := ptarread.OpenArchive(ctx, args[0], ptarOptions(cmd, &words, args[0]))
		if err != nil {
			return fmt.Errorf("open %s: %w", args[0], err)
		}
		defer archive.Close()
		temporary, err := scratch.Make("serve")
		if err != nil {
			return err
		}
		defer temporary.Remove()
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		token := strings.ToLower(rand.Text())
		name := finding.Cut(cmp.Or(remote.Base(args[0]), "standard input"))
		opts := serve.Options{Archive: archive, Name: name, Token: token, TempDir: temporary.Path}
		if net.ParseIP(host) == nil {
			opts.Host = host
		}
		fmt.Fprintf(cmd.OutOrStdout(), "http://%s/%s/\n", listener.Addr(), token)
		if ip := net.ParseIP(host); ip != nil && !ip.IsLoopback() {
			printHint(cmd.ErrOrStderr(), "whoever has this address can read everything in the archive, and so can whoever listens on the network")
		}
		return serveUntil(ctx, listener, serve.New(opts))
	}
	return cmd
}

// serveUntil serves until ctx ends.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		server.Close()
	})
	err := server.Serve(listener)
	if !stop() {
		<-ended
	}
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil // ^C is how it ends
	}
	return err
}
