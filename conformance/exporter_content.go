package conformance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// What an exporter makes of what it is sent. What a destination elsewhere keeps shows in what comes back: if no file has
// the time it was sent with, the destination claims to keep none, and if one has, all must.

var exporterGates = []Check{
	{ID: "exporter-answers", Title: "every record has exactly one result, and no error", gate: true, needs: needsLocation,
		run: exporterAnswers},
}

var exporterContentChecks = []Check{
	{ID: "exporter-nothing", Title: "an export of nothing succeeds", needs: needsLocation, run: exporterNothing},
	{ID: "exporter-read-back", Title: "what was written can be read back", needs: needsReadBack, run: exporterReadBack},
	{ID: "exporter-names", Title: "files come back under the names they were sent with", needs: needsReadBack, run: exporterNames},
	{ID: "exporter-content", Title: "files have the contents they were sent with", needs: needsReadBack, run: exporterContent},
	{ID: "exporter-folders", Title: "folders are made, empty ones too", needs: needsReadBack, run: exporterFolders},
	{ID: "exporter-known-folders", Title: "a folder that is there already is no error, the root neither", needs: needsLocation,
		run: exporterKnownFolders},
	{ID: "exporter-links", Title: "links lead where they did", needs: needsReadBack, run: exporterLinks},
	{ID: "exporter-modes", Title: "files and folders have the permissions they were sent with",
		needs: []requirement{hasLocation, canReadBack, unix}, run: exporterModes},
	{ID: "exporter-times", Title: "files have the times they were sent with", needs: needsReadBack, run: exporterTimes},
	{ID: "exporter-overwrite", Title: "a second export replaces files", needs: []requirement{hasLocation, canReadBack, anyFile},
		run: exporterOverwrite},
	{ID: "exporter-replace", Title: "a second export replaces links, writes through none, and makes folders where files were",
		needs: []requirement{hasLocation, canReadBack, anyFile, manyFiles}, run: exporterReplace},
	{ID: "exporter-escape", Title: "nothing is written outside of the root", needs: needsOwnFiles, run: exporterEscape},
}

func exporterAnswers(ctx context.Context, s *subject) error {
	err := s.exportSample(ctx)
	var refused *refusedError
	if errors.As(err, &refused) && s.sample == nil && !s.onDisk() {
		return fmt.Errorf("%w; if the destination accepts certain files only, give a sample of them", err)
	}
	return err
}

func exporterNothing(ctx context.Context, s *subject) error { return s.export(ctx, nil) }

func exporterReadBack(ctx context.Context, s *subject) error {
	there, err := s.readBackSample(ctx)
	switch {
	case err != nil:
		return err
	case len(there) == 0:
		return errors.New("nothing comes back")
	}
	return s.anyBack(there)
}

func exporterNames(ctx context.Context, s *subject) error {
	there, err := s.sampleThere(ctx)
	if err != nil {
		return err
	}
	sent := s.sent()
	if !s.onDisk() && there.renames(sent) {
		return skipf("the destination gives every file a name of its own")
	}
	for _, file := range sent.of(0) {
		if _, renamed, _ := there.find(file); renamed {
			return fmt.Errorf("the content of %q is there under another name", file.path)
		}
	}
	return nil
}

func exporterContent(ctx context.Context, s *subject) error {
	there, err := s.sampleThere(ctx)
	if err != nil {
		return err
	}
	return there.wantAll(s.sent())
}

func exporterFolders(ctx context.Context, s *subject) error {
	there, err := s.sampleThere(ctx)
	if err != nil {
		return err
	}
	sent := s.sent()
	folders := sent.of(fs.ModeDir)
	if len(folders) == 0 {
		return skipf("the sample has no folders")
	}
	if !s.onDisk() && !there.anyFolder() {
		return skipf("not judged, as the importer that reads back what was written brings no folders")
	}
	keepsEmpty, lost := s.onDisk(), ""
	for _, folder := range folders {
		switch made := there[folder.path].mode.IsDir(); {
		case !made && !sent.empty(folder.path):
			return fmt.Errorf("there is no folder %q", folder.path)
		case !made:
			lost = folder.path
		case sent.empty(folder.path):
			keepsEmpty = true
		}
	}
	switch {
	case lost == "":
		return nil
	case keepsEmpty:
		return fmt.Errorf("there is no folder %q", lost)
	}
	return skipf("the destination keeps no empty folders")
}

// exporterKnownFolders sends folders twice, as restores do that go where something is.
func exporterKnownFolders(ctx context.Context, s *subject) error {
	if err := s.makeTarget(); err != nil {
		return err
	}
	sent := s.sample
	if sent == nil {
		sent = startItems().folder("/folder", 0o755).folder("/folder/below", 0o755)
	}
	records := s.destination().records(append(sent.of(fs.ModeDir), startItems()...))
	slices.SortStableFunc(records, func(a, b *connectors.Record) int { return len(a.Pathname) - len(b.Pathname) })
	for _, nth := range []string{"first", "second"} {
		_, exp, err := s.exporter(ctx)
		if err != nil {
			return err
		}
		all, err := export(ctx, exp, records)
		if err != nil {
			return fmt.Errorf("all of the %s export fails: %w", nth, err)
		}
		for _, r := range records {
			if said := all[r.Pathname]; len(said) > 0 && said[0] != nil {
				return fmt.Errorf("folder %q, the %s time: %w; a restore to where it is would report it and end with an error",
					r.Pathname, nth, said[0])
			}
		}
	}
	return nil
}

func exporterLinks(ctx context.Context, s *subject) error {
	sent, there, err := s.exportOf(ctx, startItems().file("/file", 0o644, nil).link("/link", "file").
		link("/dangling", "nowhere/at all").link("/absolute", "/etc/kpkg-no-such-file"))
	var refused *refusedError
	if errors.As(err, &refused) && refused.mode.Type() == fs.ModeSymlink && !s.onDisk() {
		return skipf("the destination takes no links: %v", err)
	}
	if err != nil {
		return err
	}
	links := sent.of(fs.ModeSymlink)
	if len(links) == 0 {
		return skipf("the sample has no links")
	}
	for _, link := range links {
		a, found := there[link.path]
		if !found {
			return fmt.Errorf("link %q is reported as written, and is not there", link.path)
		}
		if a.mode.Type() != fs.ModeSymlink || a.target != link.target {
			return fmt.Errorf("link %q leads to %q instead of %q", link.path, a.target, link.target)
		}
	}
	return nil
}

func exporterModes(ctx context.Context, s *subject) error {
	made := startItems().folder("/private", 0o700).folder("/read-only", 0o555).file("/read-only/file", 0o644, []byte("x"))
	for name, mode := range map[string]fs.FileMode{
		"/0644": 0o644, "/0600": 0o600, "/0755": 0o755, "/0400": 0o400, "/0": 0,
		"/setuid": 0o755 | fs.ModeSetuid, "/setgid": 0o755 | fs.ModeSetgid,
	} {
		made = made.file(name, mode, []byte("x"))
	}
	sent, there, err := s.exportOf(ctx, made)
	if err != nil {
		return err
	}
	came := map[fs.FileMode]bool{} // of files
	var wrong error
	for _, i := range slices.Concat(sent.of(0), sent.of(fs.ModeDir)) {
		a, _, found := there.find(i)
		if found && a.mode.IsRegular() {
			came[a.mode] = true
		}
		if a.mode != i.mode && wrong == nil {
			wrong = fmt.Errorf("%q has mode %v instead of %v", i.path, a.mode, i.mode)
		}
	}
	if wrong != nil && len(came) == 1 && !s.onDisk() {
		return skipf("the destination keeps no permissions: all files come back with the same")
	}
	return wrong
}

func exporterTimes(ctx context.Context, s *subject) error {
	made := startItems().file("/file", 0o644, []byte("x")).file("/empty", 0o644, nil).file("/later", 0o644, []byte("y"))
	made[len(made)-1].time = fileTime.Add(1000 * time.Hour)
	sent, there, err := s.exportOf(ctx, made)
	if err != nil {
		return err
	}
	kept := s.onDisk()
	var wrong error
	for _, file := range sent.of(0) {
		if a, _, _ := there.find(file); a.time.Equal(file.time) {
			kept = true
		} else if wrong == nil {
			wrong = fmt.Errorf("%q is of %v instead of %v", file.path, a.time.UTC(), file.time.UTC())
		}
	}
	if wrong != nil && !kept {
		return skipf("the destination keeps no times: no file comes back with the one it was sent with")
	}
	return wrong
}

func exporterOverwrite(ctx context.Context, s *subject) error {
	if err := s.makeTarget(); err != nil {
		return err
	}
	for i := range 2 {
		_, exp, err := s.exporter(ctx)
		if err != nil {
			return err
		}
		sent := startItems().folder("/folder", 0o755).file("/folder/file", 0o644, content(uint64(i), 5000-1000*i))
		err = exportAll(ctx, exp, s.destination().records(sent))
		if err != nil && i > 0 && s.config.SingleFile {
			return skipf("it keeps a file that is there, and says so: %v", err)
		}
		if err != nil {
			return fmt.Errorf("export %d: %w", i+1, err)
		}
	}
	there, err := s.see(ctx)
	if err != nil {
		return err
	}
	if err := there.want(item{path: "/folder/file", data: content(1, 4000)}); err != nil {
		return fmt.Errorf("after the second export, %w", err)
	}
	return nil
}

// exporterReplace restores over a tree in which other kinds of entries have the names. A destination elsewhere may take no
// links, and may refuse what is in the way of another kind, as long as it says so.
func exporterReplace(ctx context.Context, s *subject) error {
	if err := s.makeTarget(); err != nil {
		return err
	}
	before, after := []byte("before"), []byte("after")
	first := startItems().folder("/folder", 0o755).file("/folder/file", 0o644, before).file("/becomes-folder", 0o644, before)
	second := startItems().folder("/folder", 0o755).folder("/becomes-folder", 0o755).
		file("/becomes-folder/file", 0o644, after)
	firstLinks := items{}.link("/link", "first").link("/link-becomes-folder", "folder").
		link("/link-becomes-file", "folder/file")
	secondLinks := items{}.link("/link", "second").folder("/link-becomes-folder", 0o755).
		file("/link-becomes-folder/file", 0o644, after).file("/link-becomes-file", 0o644, after)
	send := func(all items) error {
		_, exp, err := s.exporter(ctx)
		if err != nil {
			return err
		}
		return exportAll(ctx, exp, s.destination().records(all))
	}
	var refused *refusedError
	err := send(slices.Concat(first, firstLinks))
	if errors.As(err, &refused) && refused.mode.Type() == fs.ModeSymlink { // exporter-links judges it
		secondLinks = nil
		err = send(first)
	}
	if err != nil {
		return err
	}
	if err = send(slices.Concat(second, secondLinks)); errors.As(err, &refused) && !s.onDisk() {
		return skipf("the destination refuses what is in the way of another kind, and says so: %v", err)
	}
	if err != nil {
		return fmt.Errorf("the second export: %w", err)
	}
	there, err := s.see(ctx)
	if err != nil {
		return err
	}
	if err := there.want(item{path: "/folder/file", data: before}); err != nil {
		return fmt.Errorf("the second export wrote through a link: %w", err)
	}
	for _, i := range slices.Concat(second, secondLinks) {
		a, found := there[i.path]
		switch {
		case i.path == "/" || i.mode.IsDir() && !s.onDisk():
		// Where exactly a link leads is for exporter-links to judge.
		case !found || a.unread == nil && (a.mode.Type() != i.mode.Type() || strings.HasSuffix(a.target, "first")):
			return fmt.Errorf("after the second export %q is %s instead of %s", i.path, kindOf(a.mode, a.target, found),
				kindOf(i.mode, i.target, true))
		case i.mode.IsRegular():
			if err := there.want(i); err != nil {
				return fmt.Errorf("after the second export, %w", err)
			}
		}
	}
	return nil
}

func kindOf(mode fs.FileMode, target string, found bool) string {
	switch {
	case !found:
		return "nothing"
	case mode.Type() == fs.ModeSymlink:
		return fmt.Sprintf("a link to %q", target)
	case mode.IsDir():
		return "a folder"
	}
	return "a file"
}

func exporterEscape(ctx context.Context, s *subject) error {
	_, exp, err := s.exporterTo(ctx)
	if err != nil {
		return err
	}
	// It may refuse the record, all of the export, or write the file below its root.
	export(ctx, exp, destination{}.records(startItems().file("/../escaped", 0o644, []byte("x")).
		file("../escaped", 0o644, []byte("x")).file("/folder/../../escaped", 0o644, []byte("x"))))
	if _, err := os.Lstat(filepath.Join(s.dir, "escaped")); !errors.Is(err, fs.ErrNotExist) {
		return errors.New("a path with .. in it is written outside of the location")
	}
	return nil
}
