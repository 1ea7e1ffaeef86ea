package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kloset/connectors"
)

// deliver writes as a mail server stores: messages only, each under a name of the server's own. It tells whether the
// record is left to the exporter for local files.
func (f *faultyExporter) deliver(r *connectors.Record, target string, results chan<- *connectors.Result) bool {
	switch {
	case r.Err != nil || r.IsXattr || r.FileInfo.Lmode.IsDir():
		return true
	case !r.FileInfo.Lmode.IsRegular() || !strings.HasSuffix(target, ".eml"):
		results <- r.Error(errors.New("not a message"))
		return false
	}
	message, err := io.ReadAll(r.Reader)
	if err != nil && f.fault != "is a mail server that keeps parts" {
		results <- r.Error(err)
		return false
	}
	if err := f.store(filepath.Dir(target), message, r); err != nil {
		results <- r.Error(err)
		return false
	}
	results <- r.Ok()
	return false
}

func (f *faultyExporter) store(mailbox string, message []byte, r *connectors.Record) error {
	// The folder is made at the other end of a channel, and may not be there yet.
	if err := os.MkdirAll(mailbox, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(mailbox, "*.eml")
	if err != nil {
		return err
	}
	_, err = file.Write(message)
	return errors.Join(err, file.Close(), os.Chtimes(file.Name(), r.FileInfo.LmodTime, r.FileInfo.LmodTime))
}
