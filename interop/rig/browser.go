package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a Chromium without a window.
type Browser struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// StartBrowser starts one that ends with Close.
func StartBrowser(ctx context.Context) (*Browser, error) {
	program, err := findServer("chromium", "chromium")
	if err != nil {
		return nil, err
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program),
		chromedp.WSURLReadTimeout(answerTimeout), chromedp.Flag("disable-lcd-text", true))
	if os.Getuid() == 0 {
		opts = append(opts, chromedp.NoSandbox) // Chromium has none for root
	}
	allocator, stop := chromedp.NewExecAllocator(ctx, opts...)
	b := &Browser{}
	b.ctx, b.cancel = chromedp.NewContext(allocator)
	end := b.cancel
	b.cancel = func() { end(); stop() }
	if err := chromedp.Run(b.ctx); err != nil {
		b.cancel()
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return b, nil
}

// Close ends the browser.
func (b *Browser) Close() { b.cancel() }

// Look is how a page is looked at.
type Look struct {
	Width, Height int64
	Dark          bool
	// BypassCSP has the browser ignore the policies of pages: what holds then, holds without them.
	BypassCSP bool
}

// Tab is one of the browser's, with what has happened in it.
type Tab struct {
	Context context.Context
	cancel  context.CancelFunc

	mu       sync.Mutex
	requests []string
	dialogs  []string
	errors   []string
}

// Tab opens one. Whoever opens it closes it.
func (b *Browser) Tab(look Look) (*Tab, error) {
	t := &Tab{}
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Context, t.cancel = context.WithTimeout(ctx, time.Minute)
	end := t.cancel
	t.cancel = func() { end(); cancel() }
	chromedp.ListenTarget(ctx, func(event any) {
		t.mu.Lock()
		defer t.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			t.requests = append(t.requests, e.Request.URL)
		case *page.EventJavascriptDialogOpening:
			t.dialogs = append(t.dialogs, e.Message)
			go chromedp.Run(ctx, page.HandleJavaScriptDialog(false))
		case *runtime.EventExceptionThrown:
			t.errors = append(t.errors, e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError {
				t.errors = append(t.errors, e.Entry.Text)
			}
		}
	})
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	err := chromedp.Run(t.Context,
		network.Enable(), log.Enable(), runtime.Enable(), page.SetBypassCSP(look.BypassCSP),
		// A tab behind others draws nothing, and takes no keys.
		page.BringToFront(), emulation.SetFocusEmulationEnabled(true),
		chromedp.EmulateViewport(look.Width, look.Height),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
	)
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	return t, nil
}

// Close closes the tab.
func (t *Tab) Close() { t.cancel() }

// Do runs actions one after another.
func (t *Tab) Do(actions ...chromedp.Action) error { return chromedp.Run(t.Context, actions...) }

// Eval evaluates an expression, awaits it if it is a promise, and decodes its value into out, unless that is nil.
func (t *Tab) Eval(expression string, out any) error {
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	return chromedp.Run(t.Context, chromedp.Evaluate(expression, out, await))
}

// Screenshot writes a picture of the whole page, as PNG. The tab is as high as its page from then on.
func (t *Tab) Screenshot(file string) error {
	var size [2]int64
	if err := t.Eval("[innerWidth, document.documentElement.scrollHeight]", &size); err != nil {
		return err
	}
	var picture []byte
	return errors.Join(
		t.Do(page.BringToFront(), chromedp.EmulateViewport(size[0], min(size[1], 12_000)), chromedp.CaptureScreenshot(&picture)),
		os.WriteFile(file, picture, 0o644),
	)
}

// Requests are the addresses that were asked for, Dialogs what was said in dialogs, Errors what the console has of errors.
func (t *Tab) Requests() []string { return t.happened(&t.requests) }
func (t *Tab) Dialogs() []string  { return t.happened(&t.dialogs) }
func (t *Tab) Errors() []string   { return t.happened(&t.errors) }

func (t *Tab) happened(list *[]string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(*list)
}

// Violations are what axe-core finds wrong with the page for those who cannot see it, or see it well; "" is the script's content.
func (t *Tab) Violations(axe string) ([]string, error) {
	var found []struct {
		ID, Help string
		Nodes    []struct {
			HTML           string
			FailureSummary string
		}
	}
	if err := t.Eval(axe+"; undefined", nil); err != nil {
		return nil, fmt.Errorf("load axe-core: %w", err)
	}
	if err := t.Eval("axe.run().then((r) => r.violations)", &found); err != nil {
		return nil, fmt.Errorf("run axe-core: %w", err)
	}
	var lines []string
	for _, v := range found {
		for _, node := range v.Nodes[:min(3, len(v.Nodes))] {
			lines = append(lines, fmt.Sprintf("%s: %s: %s: %s", v.ID, v.Help, node.HTML, strings.ReplaceAll(node.FailureSummary, "\n", " ")))
		}
	}
	return lines, nil
}
