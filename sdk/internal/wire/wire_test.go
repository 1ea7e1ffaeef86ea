package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	gstorage "github.com/PlakarKorp/integration-grpc/storage"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/PlakarKorp/kpkg/internal/protocol/inventory"
	"github.com/PlakarKorp/kpkg/internal/protocol/secretprovider"
)

// The records that a host and a plugin send each other.
var records = map[string]*connectors.Record{
	"file": {
		Pathname: "/dir/file",
		Reader:   nopCloser{strings.NewReader("")},
		FileInfo: objects.FileInfo{
			Lname: "file", Lsize: 1 << 40, Lmode: 0o644, LmodTime: time.Unix(1<<33, 999999999).UTC(),
			Ldev: 1<<64 - 1, Lino: 2, Luid: 3, Lgid: 4, Lnlink: 65535, Lusername: "user", Lgroupname: "group", Flags: 1<<32 - 1,
		},
		ExtendedAttributes: []string{"user.a", "", "user.b"},
		FileAttributes:     1<<32 - 1,
	},
	"folder": {Pathname: "/", FileInfo: objects.FileInfo{
		Lname: "/", Lmode: fs.ModeDir | fs.ModeSticky | 0o777, LmodTime: time.Unix(-1, 0).UTC(),
	}},
	"link": {Pathname: "/link", Target: "élsewhere", FileInfo: objects.FileInfo{
		Lname: "link", Lmode: fs.ModeSymlink, LmodTime: time.Unix(0, 0).UTC(),
	}},
	"negative":   {Pathname: "/n", FileInfo: objects.FileInfo{Lsize: -1, LmodTime: time.Time{}}},
	"error":      {Pathname: "/e", Err: errors.New("permission denied")},
	"attribute":  {Pathname: "/a", IsXattr: true, XattrName: "user.a", XattrType: objects.AttributeExtended},
	"stream":     {Pathname: "/a", IsXattr: true, XattrName: "stream", XattrType: objects.AttributeADS, Reader: nopCloser{}},
	"long names": {Pathname: "/" + strings.Repeat("n", 40000), FileInfo: objects.FileInfo{Lname: strings.Repeat("n", 300)}},
}

type nopCloser struct{ *strings.Reader }

func (nopCloser) Close() error { return nil }

var compareErrors = cmp.Comparer(func(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
})

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same holds an encoded message against the generated code's idea of it.
func same[M proto.Message](t *testing.T, encoded []byte, got, want M) {
	t.Helper()
	if err := proto.Unmarshal(encoded, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func TestRecords(t *testing.T) {
	for name, record := range records {
		t.Run(name, func(t *testing.T) {
			same(t, appendRecord(nil, record), &gconn.Record{}, gconn.RecordToProto(record))
			same(t, AppendImported(nil, record), &gimporter.ImportResponse{},
				&gimporter.ImportResponse{Record: gconn.RecordToProto(record)})
			for _, failure := range []error{nil, errors.New("full")} {
				result := &connectors.Result{Record: *record, Err: failure}
				same(t, AppendResult(nil, result), &gexporter.ExportResponse{},
					&gexporter.ExportResponse{Result: gconn.ResultToProto(result)})

				message := marshal(t, &gimporter.ImportRequest{Result: gconn.ResultToProto(result)})
				got, err := DecodeResult(message)
				if err != nil {
					t.Fatal(err)
				}
				want, err := gconn.ResultFromProto(gconn.ResultToProto(result))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, compareErrors); diff != "" {
					t.Error(diff)
				}
			}
			got, hasReader, err := DecodeRecord(marshal(t, gconn.RecordToProto(record)))
			if err != nil {
				t.Fatal(err)
			}
			want, err := gconn.RecordFromProto(gconn.RecordToProto(record))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, compareErrors); diff != "" {
				t.Error(diff)
			}
			if want := gconn.RecordToProto(record).HasReader; hasReader != want {
				t.Errorf("hasReader is %v, want %v", hasReader, want)
			}
			open, err := DecodeOpen(marshal(t, &gimporter.OpenRequest{Record: &gconn.Record{
				Pathname: record.Pathname, IsXattr: record.IsXattr,
				XattrName: record.XattrName, XattrType: gconn.ExtendedAttributeType(record.XattrType),
			}}))
			if err != nil {
				t.Fatal(err)
			}
			if open.Pathname != record.Pathname || open.XattrName != record.XattrName || open.XattrType != record.XattrType {
				t.Errorf("opens %+v", open)
			}
		})
	}
	same(t, AppendFinished(nil), &gimporter.ImportResponse{}, &gimporter.ImportResponse{Finished: true})
}

// TestEmptyErrors sends errors that have no text: to a host an empty text is no error.
func TestEmptyErrors(t *testing.T) {
	silent := errors.New("")
	message := appendRecord(nil, connectors.NewError("/x", silent))
	if r, _, err := DecodeRecord(message); err != nil || r.Err == nil || r.Err.Error() == "" {
		t.Errorf("a record's error becomes %v, %v", r.Err, err)
	}
	failed := &connectors.Result{Record: connectors.Record{Pathname: "/x", IsXattr: true}, Err: silent}
	result, err := DecodeResult(AppendResult(nil, failed))
	if err != nil || result.Err == nil || result.Err.Error() == "" {
		t.Errorf("a result's error becomes %v, %v", result, err)
	}
}

func TestUnusableRecords(t *testing.T) {
	const bad = "a\xff\xfeb"
	for name, record := range map[string]*connectors.Record{
		"path":                          {Pathname: bad},
		"attribute name":                {XattrName: bad},
		"link target":                   {Target: bad},
		"user name":                     {FileInfo: objects.FileInfo{Lusername: bad}},
		"group name":                    {FileInfo: objects.FileInfo{Lgroupname: bad}},
		"name":                          {FileInfo: objects.FileInfo{Lname: bad}},
		`attribute name "a\\xff\\xfeb"`: {ExtendedAttributes: []string{"fine", bad}},
	} {
		err := Usable(record)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got gconn.Record
		if err := proto.Unmarshal(appendRecord(nil, Failed(record, err)), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := gconn.RecordFromProto(&got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, record := range records {
		if err := Usable(record); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInit(t *testing.T) {
	options := connectors.Options{
		Hostname: "h", OperatingSystem: "o", Architecture: "a", CWD: "/", MaxConcurrency: 17,
		Excludes: []string{"*.o", ""}, NoXattr: true,
	}
	config := map[string]string{"location": "ftp://host", "": "empty", "password": ""}
	want := Init{Options: options, Proto: "ftp", Config: config}

	got, err := DecodeInit(marshal(t, &gimporter.InitRequest{
		Options: &gimporter.Options{
			Hostname: "h", Os: "o", Arch: "a", Cwd: "/", Maxconcurrency: 17, Excludes: options.Excludes, Noxattr: true,
		},
		Proto: "ftp", Config: config,
	}))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}

	want.Options = connectors.Options{}
	got, err = DecodeStorageInit(marshal(t, &gstorage.InitRequest{Proto: "ftp", Config: config}))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	got, err = DecodeInit(nil)
	if diff := cmp.Diff(Init{Config: map[string]string{}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}

	got, err = DecodeConfigInit(marshal(t, &inventory.InitRequest{Config: config}))
	if diff := cmp.Diff(Init{Config: config}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}

	identity := Identity{Origin: "o", Type: "t", Root: "/", Flags: 1<<32 - 1}
	same(t, AppendIdentity(nil, identity), &gexporter.InitResponse{},
		&gexporter.InitResponse{Origin: "o", Type: "t", Root: "/", Flags: 1<<32 - 1})
	same(t, AppendStorageIdentity(nil, identity), &gstorage.InitResponse{},
		&gstorage.InitResponse{Origin: "o", Type: "t", Root: "/", Flags: 1<<32 - 1})
}

// TestIncomplete leaves out what a message is about: a nil record would be the runtime's panic.
func TestIncomplete(t *testing.T) {
	incomplete := &gconn.Record{Pathname: "/x"} // no error, no attribute, and nothing known of a file
	broken := []byte("\x0a\xff")
	for name, decode := range map[string]func() error{
		"a record":                      func() error { _, _, err := DecodeRecord(marshal(t, incomplete)); return err },
		"an Open without a record":      func() error { _, err := DecodeOpen(nil); return err },
		"an Open of a broken record":    func() error { _, err := DecodeOpen(broken); return err },
		"an acknowledgement of nothing": func() error { _, err := DecodeResult(nil); return err },
		"a broken acknowledgement":      func() error { _, err := DecodeResult(broken); return err },
		"an acknowledgement without a record": func() error {
			_, err := DecodeResult(marshal(t, &gimporter.ImportRequest{Result: &gconn.Result{}}))
			return err
		},
		"an acknowledgement of an incomplete record": func() error {
			_, err := DecodeResult(marshal(t, &gimporter.ImportRequest{Result: &gconn.Result{Header: incomplete}}))
			return err
		},
	} {
		if err := decode(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// To open a record takes no more than its path.
	if r, err := DecodeOpen(marshal(t, &gimporter.OpenRequest{Record: incomplete})); err != nil || r.Pathname != "/x" {
		t.Errorf("Open: %v, %v", r, err)
	}
}

// TestElements decodes lists of as many elements as may be, and of one more.
func TestElements(t *testing.T) {
	names := make([]string, maxElements+1)
	config := make(map[string]string)
	for i := range maxElements + 1 {
		config[strconv.Itoa(i)] = ""
	}
	for _, tooMany := range []bool{true, false} {
		var errs [3]error
		_, _, errs[0] = DecodeRecord(marshal(t, &gconn.Record{IsXattr: true, ExtendedAttributes: names}))
		_, errs[1] = DecodeInit(marshal(t, &gimporter.InitRequest{Options: &gimporter.Options{Excludes: names}}))
		_, errs[2] = DecodeInit(marshal(t, &gimporter.InitRequest{Config: config}))
		for i, err := range errs {
			if (err != nil) == !tooMany || tooMany && !errors.Is(err, ErrMalformed) {
				t.Errorf("%s, of %d elements: %v", []string{"names", "excludes", "settings"}[i], len(names), err)
			}
		}
		names = names[:maxElements]
		delete(config, "0")
	}
}

func TestStorage(t *testing.T) {
	mac := objects.RandomMAC()
	for _, test := range []struct {
		message *gstorage.GetRequest
		want    Object
	}{
		{&gstorage.GetRequest{Mac: mac[:], Type: 5}, Object{MAC: mac, Resource: 5}},
		{&gstorage.GetRequest{Mac: mac[:], Range: &gstorage.GetRequest_Range{}}, Object{MAC: mac, Range: &Range{}}},
		{
			&gstorage.GetRequest{Mac: mac[:], Range: &gstorage.GetRequest_Range{Offset: 1<<64 - 1, Length: 1<<32 - 1}},
			Object{MAC: mac, Range: &Range{1<<64 - 1, 1<<32 - 1}},
		},
	} {
		got, err := DecodeObject(marshal(t, test.message))
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	for _, length := range []int{0, 31, 33} {
		if _, err := DecodeObject(marshal(t, &gstorage.DeleteRequest{Mac: make([]byte, length)})); err == nil {
			t.Errorf("a MAC of %d bytes is accepted", length)
		}
	}
	if got, err := DecodeList(marshal(t, &gstorage.ListRequest{Type: 3})); got != 3 || err != nil {
		t.Error(got, err)
	}
	if got, err := DecodeConfig(marshal(t, &gstorage.CreateRequest{Config: []byte("c")})); string(got) != "c" || err != nil {
		t.Error(got, err)
	}
	same(t, AppendConfig(nil, []byte("c")), &gstorage.OpenResponse{}, &gstorage.OpenResponse{Config: []byte("c")})
	same(t, AppendNumber(nil, -1), &gstorage.SizeResponse{}, &gstorage.SizeResponse{Size: -1})
	same(t, AppendNumber(nil, 6), &gstorage.ModeResponse{}, &gstorage.ModeResponse{Mode: 6})
	same(t, AppendMACs(nil, []objects.MAC{mac, {}}), &gstorage.ListResponse{},
		&gstorage.ListResponse{Macs: [][]byte{mac[:], make([]byte, 32)}})
}

func TestSecrets(t *testing.T) {
	if got, err := DecodeHandle(marshal(t, &secretprovider.ResolveRequest{Handle: "db/password"})); got != "db/password" || err != nil {
		t.Error(got, err)
	}
	if _, err := DecodeHandle(AppendNumber(nil, 5)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a number as a handle: %v", err)
	}
	for _, secret := range []string{"", "s", strings.Repeat("s", 1<<20)} {
		same(t, AppendSecret(nil, secret), &secretprovider.ResolveResponse{}, &secretprovider.ResolveResponse{Secret: secret})
	}
}

func TestInventory(t *testing.T) {
	same(t, AppendListed(nil, InventoryEntry{}), &inventory.ListResponse{},
		&inventory.ListResponse{Entry: &inventory.InventoryEntry{}})
	entry := InventoryEntry{
		Class: "c", Subclass: "s", Tags: []string{"t", ""}, URN: "u", Name: "n\xff", Region: "r", Service: "v", Resource: "x",
		Details: []byte{0xff}, Endpoints: []InventoryEndpoint{{}, {"host", "h"}},
		Locators: []InventoryLocator{{}, {"l", "i", map[string]string{"": "", "k": "v", "a": "\xff"}}},
	}
	want := &inventory.ListResponse{Entry: &inventory.InventoryEntry{
		Class: "c", Subclass: "s", Tags: []string{"t", ""}, Urn: "u", Name: `n\xff`, Region: "r", Service: "v", Resource: "x",
		Details: []byte{0xff}, Endpoints: []*inventory.InventoryEndpoint{{}, {Type: "host", Endpoint: "h"}},
		Locators: []*inventory.InventoryLocator{{}, {Type: "l", Identifier: "i", Attributes: map[string]string{"": "", "k": "v", "a": `\xff`}}},
	}}
	same(t, AppendListed(nil, entry), &inventory.ListResponse{}, want)
	if first, again := AppendListed(nil, entry), AppendListed(nil, entry); !bytes.Equal(first, again) {
		t.Errorf("%q and then %q", first, again)
	}
}

func TestChunks(t *testing.T) {
	chunk := bytes.Repeat([]byte("c"), 300)
	same(t, append(AppendChunkHeader(nil, len(chunk)), chunk...),
		&gimporter.OpenResponse{}, &gimporter.OpenResponse{Chunk: chunk})

	message := bytes.NewReader(marshal(t, &gstorage.PutRequest{Mac: []byte("mac"), Type: 2, Chunk: chunk}))
	for _, want := range []Tag{{Number: 1, Length: 3}, {Number: 2, Value: 2}, {Number: 3, Length: 300}} {
		got, err := ReadTag(message)
		if got != want || err != nil {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		message.Seek(int64(got.Length), 1)
	}
	for _, malformed := range []string{
		"\x1a", "\x00\x01", "\x1a\xff", strings.Repeat("\xff", 11), "\x1b\x01", "\x1a\xff\xff\xff\xff\x0f",
	} {
		if tag, err := ReadTag(strings.NewReader(malformed)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v, %v", malformed, tag, err)
		}
	}
}

// TestTags reads the beginnings of fields where an input may end, and numbers at the edges of their encoding.
func TestTags(t *testing.T) {
	failed := errors.New("connection reset")
	for name, test := range map[string]struct {
		input io.Reader
		want  Tag
		err   error
	}{
		"nothing":        {strings.NewReader(""), Tag{}, io.EOF},
		"half a tag":     {strings.NewReader("\x80"), Tag{}, ErrMalformed},
		"a tag alone":    {strings.NewReader("\x08"), Tag{}, ErrMalformed},
		"half a number":  {strings.NewReader("\x08\x80"), Tag{}, ErrMalformed},
		"127":            {strings.NewReader("\x08\x7f"), Tag{Number: 1, Value: 127}, nil},
		"128":            {strings.NewReader("\x08\x80\x01"), Tag{Number: 1, Value: 128}, nil},
		"2^64-1":         {strings.NewReader("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Tag{Number: 1, Value: 1<<64 - 1}, nil},
		"2^64":           {strings.NewReader("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), Tag{}, ErrMalformed},
		"eleven bytes":   {strings.NewReader("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), Tag{}, ErrMalformed},
		"length 2^31-1":  {strings.NewReader("\x12\xff\xff\xff\xff\x07"), Tag{Number: 2, Length: 1<<31 - 1}, nil},
		"length 2^31":    {strings.NewReader("\x12\x80\x80\x80\x80\x08"), Tag{}, ErrMalformed},
		"number 0":       {strings.NewReader("\x00\x01"), Tag{}, ErrMalformed},
		"failing":        {iotest.ErrReader(failed), Tag{}, failed},
		"failing midway": {io.MultiReader(strings.NewReader("\x80"), iotest.ErrReader(failed)), Tag{}, failed},
	} {
		if got, err := ReadTag(bufio.NewReader(test.input)); got != test.want || err != test.err {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, record := range records {
		message, err := proto.Marshal(gconn.RecordToProto(record))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		DecodeResult(message)
		DecodeInit(message)
		DecodeStorageInit(message)
		DecodeOpen(message)
		DecodeObject(message)
		DecodeList(message)
		DecodeConfig(message)
		DecodeConfigInit(message)
		DecodeHandle(message)
		ReadTag(bytes.NewReader(message))
		record, _, err := DecodeRecord(message)
		if err != nil {
			return
		}
		if unusable := Usable(record); unusable != nil {
			record = Failed(record, unusable)
		}
		if record.Err != nil {
			record.Err = errors.New(errorText(record.Err))
		}
		encoded := appendRecord(nil, record)
		var generated gconn.Record
		if err := proto.Unmarshal(encoded, &generated); err != nil {
			t.Fatalf("the generated code refuses %q: %v", encoded, err)
		}
		again, _, err := DecodeRecord(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(record, again, compareErrors); diff != "" {
			t.Fatal(diff)
		}
	})
}
