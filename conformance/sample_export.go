package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// sampleExport is the suite's one export of the sample, which most checks of an exporter look at.
type sampleExport struct {
	exporting, looking sync.Once
	destination        destination
	before, there      readBack // before is of a place that the author's sample is sent to, which may hold other files
	exportErr, lookErr error
	each               time.Duration // what the export took, by the number of files
}

// sent is the author's sample, or the one made for destinations that accept any file.
func (s *suite) sent() items {
	if s.sample != nil {
		return s.sample
	}
	return madeSample()
}

// exportSample exports the sample, once for all checks.
func (s *subject) exportSample(ctx context.Context) error {
	s.sampleExport.exporting.Do(func() {
		s.sampleExport.destination = s.destination()
		if s.sampleExport.exportErr = s.notYetThere(ctx); s.sampleExport.exportErr == nil {
			s.sampleExport.exportErr = s.exportMeasured(ctx, s.sent())
		}
	})
	return s.sampleExport.exportErr
}

// exportMeasured is export, and tells what it took.
func (s *subject) exportMeasured(ctx context.Context, all items) error {
	p, exp, err := s.exporterTo(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := exportAll(ctx, exp, s.destination().records(all)); err != nil {
		return err
	}
	took, bytes := time.Since(begin), int64(0)
	s.sampleExport.each = took / time.Duration(max(1, len(all.of(0))))
	for _, i := range all {
		bytes += int64(len(i.data))
	}
	s.measure(ctx, p, "export", len(all), bytes, took)
	return nil
}

// notYetThere refuses a location that holds some of the author's sample, say from an earlier test: what is there could not
// be told from what is written. The sample made for the test goes where nothing was before.
func (s *subject) notYetThere(ctx context.Context) error {
	if s.sample == nil || s.folder != "" || s.config.SingleFile || canReadBack(s) != "" {
		return nil
	}
	there, err := s.look(ctx, s.destination())
	if err != nil {
		return nil // it may be the export that makes the location; exporter-read-back judges the importer
	}
	s.sampleExport.before = there
	for _, file := range s.sample.of(0) {
		if a, _, found := there.find(file); found && a.same(file.data) == nil {
			return fmt.Errorf("%q of the sample is there before it is sent: test at a location that holds none of it", file.path)
		}
	}
	return nil
}

// refusesAgain tells an error that says no more than that a file of the author's sample is refused which exporter-answers has
// sent to the same place before: so does a database whose tables are there.
func (s *subject) refusesAgain(err error) bool {
	var refused *refusedError
	if s.sample == nil || s.folder != "" || s.config.SingleFile || !errors.As(err, &refused) {
		return false
	}
	return slices.ContainsFunc(s.sample.of(0), func(file item) bool { return file.path == refused.path })
}

// readBackSample tells what has become of the sample, once for all checks.
func (s *subject) readBackSample(ctx context.Context) (readBack, error) {
	if err := s.exportSample(ctx); err != nil {
		return nil, err
	}
	s.sampleExport.looking.Do(func() { s.sampleExport.there, s.sampleExport.lookErr = s.look(ctx, s.sampleExport.destination) })
	return s.sampleExport.there, s.sampleExport.lookErr
}

// sampleThere is what has become of the sample, for the checks that cannot judge when nothing is read back.
func (s *subject) sampleThere(ctx context.Context) (readBack, error) {
	there, err := s.readBackSample(ctx)
	if err == nil {
		err = s.anyBack(there)
	}
	if status, _ := outcome(err); status == Skip {
		return nil, err
	}
	if err != nil {
		return nil, skipf("not judged, because exporter-read-back failed")
	}
	if s.sample != nil && there.converts(s.sample) {
		return nil, skipf("not judged, as the destination gives back no file of the sample with the content that was sent, " +
			"as databases do that keep what is in them")
	}
	return there, nil
}

// anyBack says so when no file of the sample has come back: then nothing can be told from what does not come, such as that
// a file that broke off is not there.
func (s *subject) anyBack(there readBack) error {
	if s.onDisk() {
		return nil
	}
	for _, file := range s.sent().of(0) {
		if _, _, found := there.find(file); found {
			return nil
		}
	}
	if s.sample != nil && there.anyNew(s.sampleExport.before) {
		return skipf("not judged, as what comes back are other files than were sent, as from databases that dump what is in them " +
			"under names of their own")
	}
	return fmt.Errorf("none of the %d files that were sent comes back, though each is reported as written",
		len(s.sent().of(0)))
}

// see tells what is at the check's own destination.
func (s *subject) see(ctx context.Context) (readBack, error) {
	if _, err := s.sampleThere(ctx); err != nil {
		return nil, err
	}
	return s.look(ctx, s.destination())
}

// exportOf exports what was made for the check, and tells what has become of it. Where only the author's sample is
// accepted, it is that instead.
func (s *subject) exportOf(ctx context.Context, made items) (items, readBack, error) {
	if s.sample != nil {
		there, err := s.sampleThere(ctx)
		return s.sample, there, err
	}
	if err := s.export(ctx, made); err != nil {
		return nil, nil, err
	}
	there, err := s.see(ctx)
	return made, there, err
}
