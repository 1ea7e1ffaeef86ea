package pages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

var (
	kpkg    string
	browser *rig.Browser
	axe     string
	dir     string // of what several tests use
)

func TestMain(m *testing.M) {
	rig.PassSignals()
	status, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		status = 1
	}
	os.Exit(status)
}

func runTests(m *testing.M) (status int, err error) {
	if dir, err = os.MkdirTemp("", "kpkg-pages-*"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx := context.Background()
	if kpkg, err = rig.BuildKpkg(ctx, dir); err != nil {
		return 1, err
	}
	if axe, err = rig.Axe(ctx); err != nil {
		return 1, err
	}
	if browser, err = rig.StartBrowser(ctx); err != nil {
		return 1, err
	}
	defer browser.Close()
	return m.Run(), nil
}
