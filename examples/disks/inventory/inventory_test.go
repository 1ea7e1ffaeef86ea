package inventory

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/sdk"
)

const mounts = `25 1 254:1 / / rw,relatime shared:1 - ext4 /dev/kpkg-a rw,errors=remount-ro
26 25 0:23 / /proc rw,nosuid shared:13 - proc proc rw
27 25 254:16 / /srv/my\040data ro,relatime shared:2 - xfs /dev/kpkg-b rw
28 25 254:1 /var/lib /mnt/part rw,relatime shared:1 - ext4 /dev/kpkg-a rw
29 25 254:1 / /mnt/again rw,relatime master:1 propagate_from:2 - ext4 /dev/kpkg-a rw
30 25 7:0 / /snap/x/1 ro,nodev shared:3 - squashfs /dev/loop0 ro
31 25 0:40 / /net rw - nfs4 server:/export rw
`

func TestReadMounts(t *testing.T) {
	disks, err := readMounts(strings.NewReader(mounts))
	if err != nil {
		t.Fatal(err)
	}
	want := []*disk{
		{device: "/dev/kpkg-a", kind: "ext4", mounts: []string{"/", "/mnt/again"}},
		{device: "/dev/kpkg-b", kind: "xfs", mounts: []string{"/srv/my data"}, readOnly: true},
	}
	if !reflect.DeepEqual(disks, want) {
		t.Errorf("got %+v and %+v", disks[0], disks[1:])
	}
	for _, line := range []string{"x", "25 1 254:1 / / rw ext4 /dev/a rw", "25 1 / - ext4 /dev/a rw", "25 1 254:1 / / rw - ext4 /dev/a"} {
		if _, err := readMounts(strings.NewReader(line + "\n")); err == nil {
			t.Errorf("%q is read", line)
		}
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "/a": "/a", `/a\040b\011c\134`: "/a b\tc\\", `\04`: `\04`, `\9`: `\9`, `\777`: `\777`, `\`: `\`,
	} {
		if got := unescape(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestEntry(t *testing.T) {
	const uuid = "6f0c1f3e-0a55-4a3a-9c55-0d6c3c0f2b1a"
	d := &disk{device: "/dev/sdb1", kind: "xfs", mounts: []string{"/srv/my data\n", "/b"}}
	got := d.entry("nas", uuid)
	if got.URN != "urn:uuid:"+uuid || got.Name != "/srv/my data\ufffd" || len(got.Endpoints) != 2 || got.Endpoints[1].Endpoint != uuid {
		t.Errorf("got %+v", got)
	}
	if len(got.Locators) != 2 || got.Locators[0].Identifier != "fs:///srv/my%20data%0A" || got.Locators[1].Identifier != "fs:///b" {
		t.Errorf("got locators %+v", got.Locators)
	}
	if want := `{"file_system":"xfs","mounts":["/srv/my data\n","/b"],"read_only":false}`; string(got.Details) != want {
		t.Errorf("got details %s", got.Details)
	}
	for _, uuid := range []string{"", "ABCD-1234"} { // a FAT's number is not one
		if got := d.entry("nas", uuid); got.URN != "urn:disk:nas:%2Fdev%2Fsdb1" || len(got.Endpoints) != 1 {
			t.Errorf("%q: got %+v", uuid, got)
		}
	}
}

func TestReadUUIDs(t *testing.T) {
	dir := t.TempDir()
	device := filepath.Join(dir, "sdb1")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"by/ABCD-1234", "by/dangling"} {
		os.Mkdir(filepath.Join(dir, "by"), 0o700)
		target := device
		if strings.HasSuffix(link, "dangling") {
			target = filepath.Join(dir, "gone")
		}
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	resolved, err := filepath.EvalSymlinks(device)
	if err != nil {
		t.Fatal(err)
	}
	if got := readUUIDs(filepath.Join(dir, "by")); len(got) != 1 || got[resolved] != "ABCD-1234" {
		t.Errorf("got %v", got)
	}
}

// TestThisMachine lists what is here, which may be nothing.
func TestThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what is mounted")
	}
	i, err := New(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	entries := make(chan *sdk.InventoryEntry, 1000)
	if err := i.List(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	close(entries)
	for entry := range entries {
		if entry.URN == "" || entry.Name == "" || len(entry.Locators) == 0 {
			t.Errorf("got %+v", entry)
		}
	}
}
