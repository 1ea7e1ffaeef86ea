package connector

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/minio/minio-go/v7"
)

// TestAccount refuses what no bucket is named by, and never repeats a secret.
func TestAccount(t *testing.T) {
	for name, test := range map[string]struct {
		changes map[string]string
		want    string // in the error
	}{
		"all right":          {nil, ""},
		"a prefix":           {map[string]string{"location": "s3://host:9000/bucket/a%20b/c/"}, ""},
		"a key in it":        {map[string]string{"location": "s3://AKIA:hunter22@host/bucket"}, "location holds a key"},
		"a key that is none": {map[string]string{"location": "s3://AKIA:hunter22/%zz@host/bucket"}, "location is not s3://"},
		"no bucket":          {map[string]string{"location": "s3://host"}, "names no bucket"},
		"no host":            {map[string]string{"location": "s3:///bucket"}, "location is not s3://"},
		"a query":            {map[string]string{"location": "s3://host/bucket?secret=hunter22"}, "write %3F"},
		"a way up":           {map[string]string{"location": "s3://host/bucket/a/../b"}, `a part ".."`},
		"an empty secret":    {map[string]string{"secret_access_key": ""}, "secret_access_key is empty"},
		"half a truth":       {map[string]string{"use_tls": "maybe"}, "use_tls is neither true nor false"},
		"no region":          {map[string]string{"region": "eu west"}, "region is none"},
	} {
		config := map[string]string{"location": "s3://host/bucket", "access_key": "AKIA", "secret_access_key": "hunter22"}
		maps.Copy(config, test.changes)
		_, err := newAccount("s3", config)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: the secret is in the error: %v", name, err)
		}
	}
	for _, a := range []account{
		{source: "anonymous", secret: "hunter22"}, {source: "environment", accessKey: "AKIA"}, {source: "config", secret: "hunter22"}, {source: "x"},
	} {
		if _, err := a.credentials(); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", a.source, err)
		}
	}
}

// TestAttributes keeps permissions and times to the nanosecond, before 1970 too, and reads what others have kept.
func TestAttributes(t *testing.T) {
	for _, mode := range []fs.FileMode{0, 0o444, 0o644, 0o755 | fs.ModeSetuid | fs.ModeSetgid, fs.ModeDir | 0o777 | fs.ModeSticky, fs.ModeDir} {
		for _, want := range []time.Time{
			time.Unix(0, 0), time.Unix(1_600_000_000, 123_456_789), time.Unix(-1, 1), time.Unix(-1, 999_999_999), time.Unix(-5_000_000_000, 0),
			time.Date(9999, 12, 31, 23, 59, 59, 5, time.UTC),
		} {
			kept := metadata(mode, want)
			gotMode, got := attributes(minio.ObjectInfo{UserMetadata: kept}, mode.IsDir())
			if gotMode != mode || !got.Equal(want) {
				t.Errorf("of %v, %v it is %v, %v by %v", mode, want, gotMode, got, kept)
			}
		}
	}
	made := time.Unix(1_700_000_000, 0)
	for name, test := range map[string]struct {
		kept map[string]string
		mode fs.FileMode
		at   time.Time
	}{
		"nothing":    {nil, 0o644, made},
		"rclone":     {map[string]string{"mtime": "1600000000.5", "mode": "0100600"}, 0o600, time.Unix(1_600_000_000, 500_000_000)},
		"s3fs":       {map[string]string{"MTIME": "1600000000", "Mode": "33261"}, 0o755, time.Unix(1_600_000_000, 0)},
		"a folder's": {map[string]string{"mode": "16877"}, 0o644, made},
		"nonsense":   {map[string]string{"mtime": "yesterday", "mode": "rw"}, 0o644, made},
	} {
		mode, at := attributes(minio.ObjectInfo{UserMetadata: test.kept, LastModified: made}, false)
		if mode != test.mode || !at.Equal(test.at) {
			t.Errorf("%s: %v, %v, want %v, %v", name, mode, at, test.mode, test.at)
		}
	}
}

// TestConflicts tells of keys of which no path can be made, in the order in which servers list them.
func TestConflicts(t *testing.T) {
	w := &walk{Importer: &Importer{bucket: &bucket{account: account{prefix: "p/"}}}}
	for _, test := range []struct {
		key  string
		size int64
		want string
	}{
		{"p/", 0, ""}, {"p/../x", 1, `a part ".."`}, {"p//x", 1, "no name"}, {"p/a", 1, ""}, {"p/a.b", 1, ""}, {"p/a/", 0, "below"},
		{"p/a/b", 1, "below"}, {"p/ab", 1, ""}, {"p/b/", 0, ""}, {"p/b/c", 1, ""}, {"p/c/", 5, "has a content"}, {"p/d\x00", 1, "NUL"},
		{"p/e\xff", 1, "UTF-8"},
	} {
		err := w.conflict(minio.ObjectInfo{Key: test.key, Size: test.size})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.key, err, test.want)
		}
	}
}

// TestContentEnds takes io.EOF alone for the end of a content: what breaks off, in whatever words, is not one.
func TestContentEnds(t *testing.T) {
	reset := fmt.Errorf("the connection was reset: %w", io.EOF)
	for _, broken := range []error{reset, io.ErrUnexpectedEOF, errors.New("no")} {
		u := &upload{content: io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), part: partSize}
		if _, err := u.next(t.Context()); !errors.Is(err, broken) {
			t.Errorf("%v: got %v", broken, err)
		}
		d := &download{ctx: t.Context(), body: io.NopCloser(iotest.ErrReader(broken))}
		if _, err := io.ReadAll(d); !errors.Is(err, broken) {
			t.Errorf("%v: got %v of a download", broken, err)
		}
	}
	u := &upload{content: strings.NewReader("whole"), part: partSize}
	if p, err := u.next(t.Context()); err != nil || string(p.data) != "whole" || !u.ended {
		t.Errorf("%q, %v", p.data, err)
	}
}

// TestPatience waits for an answer as long after the last that was sent as after the first, and for nobody who is silent.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		line := patientLine{near}
		go func() {
			for range 6 {
				if _, err := far.Read(make([]byte, 1)); err != nil {
					t.Error(err)
				}
			}
			if _, err := far.Write([]byte("!")); err != nil {
				t.Error(err)
			}
		}()
		answer := make(chan error, 1)
		go func() {
			_, err := line.Read(make([]byte, 1))
			answer <- err
		}()
		for range 6 {
			time.Sleep(patience / 4)
			if _, err := line.Write([]byte("?")); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-answer; err != nil {
			t.Error("an answer to what was sent slowly:", err)
		}
		began := time.Now()
		var timeout net.Error
		_, err := line.Read(make([]byte, 1))
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(began) != patience {
			t.Errorf("silence: %v after %v", err, time.Since(began))
		}
	})
}
