package try

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

// recordOf makes a record of its path, then =name where that is another than the path's end, then a letter: f for a file,
// d for a folder, l for a link, x for an attribute of the entry, e for an error.
func recordOf(t *testing.T, text string) *connectors.Record {
	t.Helper()
	text, kind := text[:len(text)-1], text[len(text)-1]
	name, called, renamed := strings.Cut(text, "=")
	if !renamed {
		called = path.Base(name)
	}
	read := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }
	info := objects.FileInfo{Lname: called, Lmode: 0o644, Lsize: 1}
	switch kind {
	case 'd':
		info.Lmode = fs.ModeDir | 0o755
		return &connectors.Record{Pathname: name, FileInfo: info}
	case 'l':
		info.Lmode = fs.ModeSymlink | 0o777
		return &connectors.Record{Pathname: name, FileInfo: info, Target: "/tmp"}
	case 'x':
		return connectors.NewXattr(name, "user.kpkg", objects.AttributeExtended, read)
	case 'e':
		return connectors.NewError(name, errors.New("no permission"))
	}
	return connectors.NewRecord(name, "", info, nil, read)
}

var oddRecords = []struct {
	name    string
	records []string // see recordOf
	failed  map[string]string
	kept    []string
	// unacknowledged is an importer that wants no acknowledgements. The client of plugins always does.
	unacknowledged bool
}{
	{"good", []string{"/d", "/ad", "/a/ff", "/a/fx", "/ll"}, nil, []string{"/a", "/a/f", "/l"}, false},
	{"no folders", []string{"/x/y/ff"}, nil, []string{"/x", "/x/y", "/x/y/f"}, false},
	{"folders last", []string{"/x/y/ff", "/x/yd", "/xd", "/d"}, nil, []string{"/x", "/x/y", "/x/y/f"}, false},
	{"root without a name", []string{"/=d", "/ff"}, nil, []string{"/f"}, false},
	{"root called a dot", []string{"/=.d", "/ff"}, nil, []string{"/f"}, false},
	{"twice", []string{"/ff", "/ff"}, map[string]string{"/f": "twice"}, []string{"/f"}, false},
	{"a file and a folder", []string{"/ff", "/fd"}, map[string]string{"/f": "twice"}, []string{"/f"}, false},
	{"an attribute twice", []string{"/ff", "/fx", "/fx"},
		map[string]string{"/f": `attribute "user.kpkg" twice`}, []string{"/f"}, false},
	{"an attribute of nothing", []string{"/d", "/fx"}, map[string]string{"/f": "not the entry itself"}, nil, false},
	{"an attribute first", []string{"/d", "/fx", "/ff"}, nil, []string{"/f"}, false},
	{"below a link", []string{"/ll", "/l/ff"}, map[string]string{"/l/f": `below "/l", which is no folder`}, []string{"/l"}, false},
	{"far below a link", []string{"/ll", "/l/a/bd", "/l/a/b/ff"},
		map[string]string{"/l/a/b": "no folder", "/l/a/b/f": "no folder"}, []string{"/l"}, false},
	{"below a file", []string{"/ff", "/f/gf"}, map[string]string{"/f/g": "no folder"}, []string{"/f"}, false},
	{"a link above", []string{"/l/ff", "/ll"},
		map[string]string{"/l": "has brought entries below it"}, []string{"/l", "/l/f"}, false},
	{"a file as the root", []string{"/f"}, map[string]string{"/": "no folder"}, nil, false},
	{"relative", []string{"ff"}, map[string]string{"/f": `the path "f"`}, nil, false},
	{"empty", []string{"f"}, map[string]string{"/": `the path ""`}, nil, false},
	{"out of the root", []string{"/../../etc/ff"}, map[string]string{"/etc/f": `"/../../etc/f"`}, nil, false},
	{"two slashes", []string{"/dd", "/d//ff"}, map[string]string{"/d/f": `"/d//f"`}, []string{"/d"}, false},
	{"a slash at the end", []string{"/d/d", "/d/ff"}, map[string]string{"/d": `"/d/"`}, []string{"/d", "/d/f"}, false},
	{"NUL", []string{"/a\x00bf"}, map[string]string{"/a\uFFFDb": `"/a\x00b"`}, nil, false},
	{"another name", []string{"/a=bf"}, map[string]string{"/a": `names it "b"`}, nil, false},
	{"a name with a slash", []string{"/a=../bf"}, map[string]string{"/a": `names it "../b"`}, nil, false},
	{"twice, unacknowledged", []string{"/ff", "/ff"}, map[string]string{"/f": "twice"}, []string{"/f"}, true},
	{"relative, unacknowledged", []string{"ff", "/gf"}, map[string]string{"/f": `the path "f"`}, []string{"/g"}, true},
	{"an error of an odd path", []string{"/ff", "oddxe"}, map[string]string{"/oddx": "no permission"}, []string{"/f"}, false},
	{"errors of what is there", []string{"/ff", "/fe"}, map[string]string{"/f": "no permission"}, []string{"/f"}, false},
}

// ackedImporter sends records, and wants an acknowledgement for each if its flags say so.
type ackedImporter struct {
	listed
	flags location.Flags
}

func (a *ackedImporter) Flags() location.Flags { return a.flags }
func (a *ackedImporter) Root() string          { return "/" }
func (a *ackedImporter) Origin() string        { return "here" }

func (a *ackedImporter) Import(
	ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result,
) error {
	if a.flags&location.FLAG_NEEDACK == 0 {
		return a.listed.Import(ctx, records, results)
	}
	defer close(records)
	for _, r := range a.in {
		want := r.Pathname
		records <- r
		if result := <-results; result.Record.Pathname != want {
			return fmt.Errorf("%q is acknowledged as %q", result.Record.Pathname, want)
		}
	}
	return nil
}

// TestOddRecords makes a failure of what does not fit into a data file, and a data file of the rest that can be listed.
func TestOddRecords(t *testing.T) {
	for _, test := range oddRecords {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var records []*connectors.Record
			for _, text := range test.records {
				records = append(records, recordOf(t, text))
			}
			flags := location.FLAG_NEEDACK
			if test.unacknowledged {
				flags = 0
			}
			data := filepath.Join(t.TempDir(), "data.ptar")
			sender := &ackedImporter{listed{fileImporter(t, t.TempDir()), records}, flags}
			imp := &checkedImporter{sender, func(text string) string { return text }}
			counted, err := write(t, t.Context(), data, imp)
			if err != nil {
				t.Fatal(err)
			}
			wantFailures(t, counted.Failures, test.failed)
			var kept []string
			contents, err := List(t.Context(), data, "", nil, func(e Entry) error {
				if e.Path != "/" {
					kept = append(kept, e.Path)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(kept, " ") != strings.Join(test.kept, " ") {
				t.Errorf("kept %q, want %q", kept, test.kept)
			}
			wantFailures(t, contents.Failures, test.failed)
		})
	}
}

func wantFailures(t *testing.T, got []Failure, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("failures %v, want %v", got, want)
	}
	for _, f := range got {
		if want := want[f.Path]; want == "" || !strings.Contains(f.Error, want) {
			t.Errorf("failure %v, want %q", f, want)
		}
	}
}
