package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// untilSignal is the context of all commands: they end, and clean up, at ^C, when they are told to end, and when their
// terminal goes away. Signals that whoever started kpkg ignores, as nohup does, stay ignored.
func untilSignal() context.Context {
	// A reader that has gone, as head does, makes a write fail instead of ending kpkg where it stands. It is not ignored:
	// the programs that kpkg starts would ignore it too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
	if len(signals) == 0 {
		return context.Background()
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	// After the first signal the default is back: a second ^C ends a clean-up that hangs.
	context.AfterFunc(ctx, stop)
	return ctx
}

// readerGone tells whether a command has ended because nobody reads its output any more, which is no failure. Pipes to
// other programs have other names.
func readerGone(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && failed.Path == os.Stdout.Name() && errors.Is(failed, syscall.EPIPE)
}
