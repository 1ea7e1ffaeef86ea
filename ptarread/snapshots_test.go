package ptarread_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/encryption"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

const passphrase = "correct horse"

// several are two snapshots that share a file, the second one of two sources.
func several() [][][]ptartest.File {
	shared := ptartest.File{Path: "shared", Mode: 0o640, Content: []byte("in both")}
	return [][][]ptartest.File{
		{{shared, {Path: "folder/link", Mode: fs.ModeSymlink | 0o777, Target: "../shared"}, {Path: "secret", Mode: 0o600, Err: fs.ErrPermission}}},
		{{shared, {Path: "empty", Mode: 0o644}}, {{Path: "o dd/\x01", Mode: 0o600, Content: []byte("x"), Attributes: map[string]string{"user.a": "b"}}}},
	}
}

// asked answers with a passphrase.
func asked(answer string) ptarread.Options {
	return ptarread.Options{Passphrase: func(context.Context) ([]byte, error) { return []byte(answer), nil }}
}

func openAll(t testing.TB, data []byte, options ptarread.Options) *ptarread.Archive {
	t.Helper()
	a, err := ptarread.NewArchive(t.Context(), bytes.NewReader(data), int64(len(data)), options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSnapshots(t *testing.T) {
	for name, key := range map[string]string{"plain": "", "encrypted": passphrase} {
		t.Run(name, func(t *testing.T) {
			a := openAll(t, ptartest.Archive{Snapshots: several(), Passphrase: key}.Bytes(t), asked(key))
			all := a.Snapshots()
			if len(all) != 2 || all[0].Time.After(all[1].Time) || len(all[1].Sources) != 2 {
				t.Fatalf("snapshots: %+v", all)
			}
			if totals := all[0].Totals(); totals.Files != 1 || totals.Others != 1 || totals.Errors != 1 || totals.Bytes != 7 {
				t.Errorf("the first one has %+v", totals)
			}
			latest, err := a.Snapshot(t.Context(), "latest")
			if err != nil || latest.Info().ID != all[1].ID {
				t.Fatalf("the latest is %v, %v", latest, err)
			}
			other, err := latest.OfSource(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			first, err := a.Snapshot(t.Context(), strings.ToUpper(all[0].ID[:6]))
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range []*ptarread.Snapshot{first, latest, other} {
				want := []string{"[/ /folder /folder/link /shared]", "[/ /empty /shared]", "[/ /o dd /o dd/\x01]"}[i]
				if got := fmt.Sprint(walked(t, s, "/")); got != want {
					t.Errorf("walked %q, not %q", got, want)
				}
				if err := readSnapshot(t.Context(), s); err != nil {
					t.Error(err)
				}
			}
			if checked, problems, err := a.Check(t.Context()); err != nil || len(problems) > 0 || checked.Blobs == 0 {
				t.Errorf("check: %+v, %v, %v", checked, problems, err)
			}
			if got := a.Info(); (got.Encryption == "") != (key == "") {
				t.Errorf("info: %+v", got)
			}
			end := int64(0)
			for _, region := range a.Layout() {
				if region.Offset != end || region.Length <= 0 {
					t.Errorf("%+v does not begin at %d", region, end)
				}
				end = region.Offset + region.Length
			}
		})
	}
}

// TestWhichSnapshot holds that an identifier that fits none or several is an error that lists those that there are.
func TestWhichSnapshot(t *testing.T) {
	f := ptartest.NewForgery(t, "LZ4", small())
	f.Header = func(h *header.Header) {
		for i, id := range []objects.MAC{{1, 2, 4}, {7}} {
			other := *h
			other.Identifier, other.Timestamp = id, time.Unix(int64(i+1), 0)
			data, err := other.Serialize()
			if err != nil {
				t.Fatal(err)
			}
			f.PutAs(resources.RT_SNAPSHOT, id, f.Encode(data))
		}
	}
	a := openAll(t, f.Bytes(), ptarread.Options{})
	for id, want := range map[string]string{
		"0102":   "is one of several: 01020400 of 1970-01-01T00:00:01Z, 01020300 of 1970-01-01T00:00:00Z",
		"x":      "there are 07000000 of 1970-01-01T00:00:02Z, 01020400",
		"last":   "there are 07000000",
		"070001": "there are 07000000",
	} {
		if _, err := a.Snapshot(t.Context(), id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %s", id, err, want)
		}
	}
	for id, want := range map[string]string{"010203": "010203", "7": "", "0": "", "07": "07", "010204": "010204", "latest": "07"} {
		s, err := a.Snapshot(t.Context(), id)
		if want == "" && err == nil || want != "" && (err != nil || !strings.HasPrefix(s.Info().ID, want)) {
			t.Errorf("%s: %v, %v", id, s, err)
		}
	}
}

func TestPassphrase(t *testing.T) {
	data := ptartest.Archive{Snapshots: several()[:1], Passphrase: passphrase}.Bytes(t)
	open := func(options ptarread.Options) error {
		_, err := ptarread.NewArchive(t.Context(), bytes.NewReader(data), int64(len(data)), options)
		return err
	}
	if err := open(asked("incorrect horse")); !errors.Is(err, ptarread.ErrPassphrase) {
		t.Errorf("a wrong one: %v", err)
	}
	if err := open(ptarread.Options{}); err == nil || !strings.Contains(err.Error(), "takes a passphrase") {
		t.Errorf("none: %v", err)
	}
	none := errors.New("no terminal")
	err := open(ptarread.Options{Passphrase: func(context.Context) ([]byte, error) { return nil, none }})
	if !errors.Is(err, none) {
		t.Errorf("one that cannot be asked for: %v", err)
	}
	plain := ptartest.Archive{Snapshots: several()[:1]}.Bytes(t)
	asking := ptarread.Options{Passphrase: func(context.Context) ([]byte, error) { t.Error("asked for a plain one"); return nil, nil }}
	openAll(t, plain, asking)
	if _, err := ptarread.New(t.Context(), bytes.NewReader(data), int64(len(data))); err == nil || !strings.Contains(err.Error(), "plakar installs plain ones only") {
		t.Errorf("as a package: %v", err)
	}
}

// TestHostileKeyDerivation holds that parameters that would take memory or time, or make the derivation panic, are refused
// before they are used.
func TestHostileKeyDerivation(t *testing.T) {
	raced.Skip(t, "it does one thing after another")
	argon := func(change func(*encryption.Argon2idParams)) func(*encryption.Configuration) {
		return func(c *encryption.Configuration) { change(c.KDFParams.Argon2idParams) }
	}
	scrypt := func(n, r, p int) func(*encryption.Configuration) {
		return func(c *encryption.Configuration) {
			c.KDFParams.KDF = "SCRYPT"
			c.KDFParams.ScryptParams = &encryption.ScryptParams{N: n, R: r, P: p, KeyLen: 32}
		}
	}
	pbkdf2 := func(iterations, length int, hashing string) func(*encryption.Configuration) {
		return func(c *encryption.Configuration) {
			c.KDFParams.KDF = "PBKDF2"
			c.KDFParams.Pbkdf2Params = &encryption.PBKDF2Params{Iterations: iterations, KeyLen: length, Hashing: hashing}
		}
	}
	for name, change := range map[string]func(*encryption.Configuration){
		"argon2id, memory":      argon(func(p *encryption.Argon2idParams) { p.Memory = 1 << 22 }),
		"argon2id, time":        argon(func(p *encryption.Argon2idParams) { p.Time = 1 << 20 }),
		"argon2id, no time":     argon(func(p *encryption.Argon2idParams) { p.Time = 0 }),
		"argon2id, no threads":  argon(func(p *encryption.Argon2idParams) { p.Threads = 0 }),
		"argon2id, length":      argon(func(p *encryption.Argon2idParams) { p.KeyLen = 1 << 31 }),
		"argon2id, nothing":     func(c *encryption.Configuration) { c.KDFParams.Argon2idParams = nil },
		"scrypt, memory":        scrypt(1<<20, 64, 1),
		"scrypt, overflow":      scrypt(1<<62, 1<<62, 1),
		"scrypt, negative":      scrypt(-1<<20, -8, 1),
		"scrypt, time":          scrypt(1<<15, 8, 1<<20),
		"pbkdf2, time":          pbkdf2(1<<40, 32, "SHA256"),
		"pbkdf2, length":        pbkdf2(10, 1<<40, "SHA256"),
		"pbkdf2, negative":      pbkdf2(10, -1, "SHA256"),
		"pbkdf2, hash":          pbkdf2(10, 32, "MD5"),
		"unknown":               func(c *encryption.Configuration) { c.KDFParams.KDF = "NONE" },
		"pieces of 1 TiB":       func(c *encryption.Configuration) { c.ChunkSize = 1 << 40 },
		"pieces of nothing":     func(c *encryption.Configuration) { c.ChunkSize = -28 },
		"unknown encryption":    func(c *encryption.Configuration) { c.DataAlgorithm = "ROT13" },
		"unknown keys":          func(c *encryption.Configuration) { c.SubKeyAlgorithm = "" },
		"canary of 20 thousand": func(c *encryption.Configuration) { c.Canary = make([]byte, 20_000) },
	} {
		t.Run(name, func(t *testing.T) {
			f := ptartest.NewForgery(t, "LZ4", small())
			f.Config.Encryption = encryption.NewDefaultConfiguration()
			change(f.Config.Encryption)
			data := f.Bytes()
			_, err := ptarread.NewArchive(t.Context(), bytes.NewReader(data), int64(len(data)), asked("any"))
			var problem *ptarread.Problem
			if !errors.As(err, &problem) || problem.Kind != ptarread.Unsupported || problem.Region != "config" {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestCheckFindsWhatIsMissing holds that Check finds what reading every file would: what is referred to and missing, and what is
// not what its type says.
func TestCheckFindsWhatIsMissing(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	for _, test := range []struct {
		name, want string
		files      string
		forge      func(*forgery)
	}{
		{"nothing", "", "", func(*forgery) {}},
		{"missing object", "missing", "[01020300:/manifest.yaml]", func(f *forgery) { entry(f, "/manifest.yaml").Object[0]++ }},
		{"missing chunk", "missing", "[01020300:/manifest.yaml]", func(f *forgery) {
			object := objects.NewObject()
			chunk := objects.NewChunk()
			chunk.ContentMAC, chunk.Length = objects.MAC{9}, 3
			object.Chunks = append(object.Chunks, *chunk)
			entry(f, "/manifest.yaml").Object = f.PutValue(resources.RT_OBJECT, object)
		}},
		{"chunk of another length", "bytes long for some", "[01020300:/manifest.yaml]", func(f *forgery) {
			object := objects.NewObject()
			chunk := objects.NewChunk()
			chunk.ContentMAC, chunk.Length = f.Put(resources.RT_CHUNK, []byte("three")), 3
			object.Chunks = append(object.Chunks, *chunk)
			entry(f, "/manifest.yaml").Object = f.PutValue(resources.RT_OBJECT, object)
		}},
		{"missing entry", "missing", "[01020300:/]", func(f *forgery) { f.Tree = func(n *treeNode) { n.Values[1][0]++ } }},
		{"entry that is none", "vfs-entry", "", func(f *forgery) { f.Put(resources.RT_VFS_ENTRY, []byte{0xc1}) }},
		{"listing without an entry", "the listing of \"/\" is not what the file tree has there", "", func(f *forgery) {
			f.Listing = func(dir string, entries []*vfs.Entry) []*vfs.Entry { return entries[:len(entries)-1] }
		}},
		{"listing of another entry", "the listing of \"/bin\" is not what the file tree has there", "", func(f *forgery) {
			f.Listing = func(dir string, entries []*vfs.Entry) []*vfs.Entry {
				if dir == "/bin" {
					return []*vfs.Entry{ptartest.NewEntry("/bin/importer", 0o644)}
				}
				return entries
			}
		}},
		{"listing of one frame of 4 GiB", "the listing of \"/\" is malformed", "", func(f *forgery) {
			f.Header = func(h *header.Header) {
				h.Sources[0].Indexes[0].Value = f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, &treeNode{
					Keys: []string{"/"}, Values: []objects.MAC{f.PutObject([]byte{2, 0xff, 0xff, 0xff, 0xff}, make([]byte, 100))},
				})
			}
		}},
		{"listings of some folders", "list 3 entries of 4", "", func(f *forgery) {
			f.Header = func(h *header.Header) {
				root, bin := entry(f, "/manifest.yaml"), entry(f, "/bin")
				var listing []byte
				for _, e := range []*vfs.Entry{bin, root} {
					data, err := e.ToBytes()
					if err != nil {
						t.Fatal(err)
					}
					mac := f.MAC(data)
					listing = append(binary.LittleEndian.AppendUint32(append(listing, 2), uint32(len(data)+32)), data...)
					listing = append(listing, mac[:]...)
				}
				h.Sources[0].Indexes[0].Value = f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, &treeNode{
					Keys: []string{"/"}, Values: []objects.MAC{f.PutObject(listing)},
				})
			}
		}},
		{"keys out of order", "out of order", "", func(f *forgery) { f.Tree = func(n *treeNode) { slices.Reverse(n.Keys) } }},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := ptartest.NewForgery(t, "LZ4", small())
			test.forge(f)
			_, problems, err := openAll(t, f.Bytes(), ptarread.Options{}).Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if len(problems) > 0 {
					t.Errorf("found %v", problems)
				}
				return
			}
			i := slices.IndexFunc(problems, func(p ptarread.Problem) bool { return strings.Contains(p.Message, test.want) })
			if i < 0 {
				t.Fatalf("found %v, not %s", problems, test.want)
			}
			if test.files != "" && fmt.Sprint(problems[i].Files) != test.files {
				t.Errorf("it hits %v, not %s", problems[i].Files, test.files)
			}
		})
	}
}

// TestDamagedFilesAreNamed damages one chunk and finds the files of both snapshots that have it.
func TestDamagedFilesAreNamed(t *testing.T) {
	data := ptartest.Archive{Snapshots: several(), Configure: uncompressed}.Bytes(t)
	data[bytes.Index(data, []byte("in both"))] ^= 1
	a := openAll(t, data, ptarread.Options{})
	_, problems, err := a.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range a.Snapshots() {
		want = append(want, s.ID[:8]+":/shared")
	}
	var got []string
	for _, p := range problems {
		if p.Region == "blobs" && p.Offset > 0 {
			got = append(got, p.Files...)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("damage hits %v, not %v: %v", got, want, problems)
	}
}

func TestOpenContent(t *testing.T) {
	content := noise(3 << 20)
	a := openArchive(t, ptartest.Upstream(t, []ptartest.File{{Path: "x", Mode: 0o644, Content: content}}, nil))
	e, err := a.Entry(t.Context(), "/x")
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.OpenContent(t.Context(), e.Object)
	if err != nil || r.Size() != int64(len(content)) {
		t.Fatal(r, err)
	}
	got := make([]byte, 1<<20)
	if _, err := r.ReadAt(got, 1<<20+7); err != nil || !bytes.Equal(got, content[1<<20+7:2<<20+7]) {
		t.Errorf("other bytes, or %v", err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
}
