package interop

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestFTPToIMAP carries messages that are files on an FTP server into a store of local files, and from there into an account on an
// IMAP server, byte for byte, with their dates and flags, without plakar.
func TestFTPToIMAP(t *testing.T) {
	ftp, imap := startFTPServer(t), startIMAPServer(t, "/")
	mail, want := writeMessages(t)
	store := "fis:" + filepath.Join(t.TempDir(), "store")
	for _, args := range [][]string{
		{"backup", filepath.Join(rig.Root(), "examples/ftp/both"), "ftp://" + rig.FTPUser + "@" + ftp.Address + mail, store},
		{"restore", filepath.Join(rig.Root(), "examples/imap"), "imap://" + imap.Address, store, "username=jim", "tls=none"},
	} {
		args = append(args, "password=$PASSWORD", "--store", packages.fs)
		if result := tryWith(t, rig.IMAPPassword, args...); result.Status != 0 {
			t.Fatal(result)
		}
	}
	got := describeAccount(t, imap, "jim")
	for _, mailbox := range slices.Sorted(maps.Keys(want)) {
		if !slices.Equal(got[mailbox], want[mailbox]) {
			t.Errorf("mailbox %q: got %q, want %q", mailbox, got[mailbox], want[mailbox])
		}
	}
	if len(got) != len(want) {
		t.Errorf("got the mailboxes %q", slices.Sorted(maps.Keys(got)))
	}
}

// TestLocalToS3ToSFTP carries local files into a store in a bucket, and from there to a folder on an SSH server, byte for byte, with
// links, permissions and times, without plakar.
func TestLocalToS3ToSFTP(t *testing.T) {
	t.Parallel()
	bucket, ssh := newS3Stores(t, startS3Server(t)), newSFTPStores(t)
	tree := writeTree(t)
	if result := bucket.try(t, "backup", packages.fs, "fis://"+tree, bucket.at(bucket.address, "store")); result.Status != 0 {
		t.Fatal(result)
	}
	args := append([]string{ssh.pkg, ssh.at(ssh.address, "restored"), bucket.at(bucket.address, "store")}, ssh.settings...)
	if result := bucket.try(t, "restore", args...); result.Status != 0 {
		t.Fatal(result)
	}
	wantEqual(t, tree, filepath.Join(ssh.dir, "restored"))
}

// TestFullBucket backs up into a bucket that has no room for it: kpkg says so, what it has stored before is whole, and when there is
// room the next run stores all of it.
func TestFullBucket(t *testing.T) {
	program, err := s3Program()
	if err != nil {
		t.Fatal(err)
	}
	server, err := rig.StartSmallS3Server(program, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	s := newS3Stores(t, server)
	store, before, large := s.at(s.address, "store"), smallTree(t, 1), t.TempDir()
	random := rand.NewChaCha8([32]byte{})
	for i := range 6 { // more than the quarter that is free, and less than that leaves when it is full of what nobody knows
		content := make([]byte, 3<<20)
		random.Read(content)
		if err := os.WriteFile(filepath.Join(large, fmt.Sprint("file-", i)), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if result := s.try(t, "backup", packages.fsOne, "fis:"+before, store); result.Status != 0 {
		t.Fatal(result)
	}
	result := s.try(t, "backup", packages.fsOne, "fis:"+large, store)
	wantReason(t, result, "the server has no room")
	if found := s.check(t, store); found != 1 {
		t.Errorf("%d snapshots when it was full", found)
	}

	if err := server.GiveRoom(); err != nil {
		t.Fatal(err)
	}
	if result := s.try(t, "backup", packages.fsOne, "fis:"+large, store); result.Status != 0 {
		t.Fatal(result)
	}
	if found := s.check(t, store); found != 2 {
		t.Errorf("%d snapshots when there was room", found)
	}
	back := filepath.Join(t.TempDir(), "back")
	if result := s.try(t, "restore", packages.fs, "fis://"+back, store); result.Status != 0 {
		t.Fatal(result)
	}
	want, err := sums(large)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sums(back); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, got %q, want %q", err, got, want)
	}
}

// writeMessages makes a folder of messages as examples/imap has them, and tells how describeAccount describes them.
func writeMessages(t *testing.T) (dir string, want map[string][]string) {
	t.Helper()
	dir, want = t.TempDir(), map[string][]string{"Empty": nil}
	if err := os.Mkdir(filepath.Join(dir, "Empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewChaCha8([32]byte{}))
	number := 0
	for _, mailbox := range []string{"INBOX", "Sent", "Sent/2024", "Entwürfe"} {
		if err := os.Mkdir(filepath.Join(dir, mailbox), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, lines := range []int{0, 1, 40, 80_000} {
			content := fmt.Appendf(nil, "From: joe@example.org\r\nSubject: %d\r\n\r\n", number)
			for range lines {
				content = fmt.Appendf(content, "%x naïve\r\n", random.Uint64())
			}
			name := filepath.Join(dir, mailbox, fmt.Sprintf("1667890123-%010d,FS,$Forwarded.eml", number))
			at := time.Date(2020, 2, 29, 12, number, 0, 0, time.UTC)
			if err := os.WriteFile(name, content, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, at, at); err != nil {
				t.Fatal(err)
			}
			flags := []string{"$Forwarded", `\Flagged`, `\Seen`}
			want[mailbox] = append(want[mailbox], fmt.Sprintf("%v %q %d %x", at, flags, len(content), sha256.Sum256(content)))
			number++
		}
	}
	return dir, want
}

// cuts is at how many moments of a backup a line is cut; sharing is how many of them, far from each other, are of the same store.
const (
	cuts    = 20
	sharing = 4
)

// TestCutLine backs up into stores on servers over lines that are cut, at moments all over the run, or behind which the server
// dies. What kpkg says that it has stored is whole, else it says why it is not, and the next run does what is left to do.
func TestCutLine(t *testing.T) {
	for name, start := range map[string]func(*testing.T) stores{
		"sftp": newSFTPStores,
		"s3":   func(t *testing.T) stores { return newS3Stores(t, startS3Server(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			whole := startBreaker(t, s.address, 0, false)
			if result := s.try(t, "backup", packages.fsOne, "fis:"+smallTree(t, 0), s.at(whole.Address, "whole")); result.Status != 0 {
				t.Fatal(result)
			}
			for i := range cuts / sharing {
				t.Run(fmt.Sprint("store ", i), func(t *testing.T) {
					t.Parallel()
					c := cutStore{stores: s, name: fmt.Sprint("store-", i)}
					for moment := i + 1; moment <= cuts; moment += cuts / sharing {
						c.cut(t, whole.Passed()*int64(moment)/(cuts+1), moment%sharing == 0)
					}
					c.next(t)
				})
			}
			t.Run("restores", func(t *testing.T) {
				t.Parallel()
				s.cutRestores(t)
			})
		})
	}
}

// cutStore is a store that backups go to.
type cutStore struct {
	stores
	name      string
	runs      int
	snapshots int // that kpkg has said it stored
	said      []string
}

// cut backs up something new over a line that is cut after so many bytes.
func (c *cutStore) cut(t *testing.T, after int64, dies bool) {
	t.Helper()
	for {
		line := startBreaker(t, c.address, after, dies)
		c.runs++
		result := c.try(t, "backup", packages.fsOne, "fis:"+smallTree(t, c.runs), c.at(line.Address, c.name))
		c.said = append(c.said, result.Stderr)
		switch {
		case result.Status == 0:
			c.snapshots++
		case !line.Broken():
			t.Fatalf("over a line that was not cut: %v\nafter %q", result, c.said)
		default:
			wantReason(t, result, line.Address)
		}
		if line.Broken() {
			return
		}
		after = after * 9 / 10 // packfiles are filled up with noise of any length: this run needed fewer answers
	}
}

// wantReason checks that a run ended with one line that holds a reason.
func wantReason(t *testing.T, result rig.Result, reason string) {
	t.Helper()
	_, said, found := strings.Cut(result.Stderr, "kpkg: error: ")
	if result.Status != 3 || !found || strings.Count(said, "\n") != 1 || !strings.Contains(said, reason) {
		t.Errorf("want one line about %s: %v", reason, result)
	}
}

// next is the run after those that were cut.
func (c *cutStore) next(t *testing.T) {
	t.Helper()
	store := c.at(c.address, c.name)
	if result := c.try(t, "backup", packages.fsOne, "fis:"+smallTree(t, 0), store); result.Status != 0 {
		t.Fatalf("%v\nafter %q", result, c.said)
	}
	// Of one more than it has said, if the line was cut as the last of it was stored, or when all of it was.
	if found := c.check(t, store); found < c.snapshots+1 || found > c.runs+1 {
		t.Errorf("%d snapshots, %d were said to be stored in %d runs: %q", found, c.snapshots+1, c.runs+1, c.said)
	}
}

// cutRestores restores from a store to a folder of the server over a line that is cut: what has its name there is whole.
func (s stores) cutRestores(t *testing.T) {
	t.Helper()
	tree, target := smallTree(t, 0), filepath.Join(s.dir, "restored")
	restore := func(address string) rig.Result {
		args := []string{s.pkg, s.at(address, "restored"), s.at(s.address, "whole")}
		return s.try(t, "restore", append(args, s.settings...)...)
	}
	line := startBreaker(t, s.address, 0, false)
	if result := restore(line.Address); result.Status != 0 {
		t.Fatal(result)
	}
	for i := range 3 {
		if err := os.RemoveAll(target); err != nil {
			t.Fatal(err)
		}
		dies := i == 1
		cut := startBreaker(t, s.address, line.Passed()*int64(i+1)/4, dies)
		result := restore(cut.Address)
		switch {
		case result.Status == 0 && s.asksAgain && !dies:
			s.wantWhole(t, tree, true)
		case result.Status != 3 || !strings.Contains(result.Stderr, cut.Address):
			t.Errorf("over a line that was cut: %v", result)
		}
		s.wantWhole(t, tree, false)
		if result := restore(s.address); result.Status != 0 {
			t.Fatal(result)
		}
		s.wantWhole(t, tree, true)
	}
}

// wantWhole compares the folder that was restored to with a tree: what is there, if not all that is to be, is the same, but for
// files that are under way.
func (s stores) wantWhole(t *testing.T, tree string, all bool) {
	t.Helper()
	want, err := s.describe(tree)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.describe(filepath.Join(s.dir, "restored"))
	if err != nil && (all || !errors.Is(err, fs.ErrNotExist)) {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name] != want[name] && !strings.HasPrefix(name, ".plakar-") {
			t.Errorf("%s: got %q, want %q", name, got[name], want[name])
		}
		delete(want, name)
	}
	if all && len(want) > 0 {
		t.Errorf("these are missing: %q", want)
	}
}

// smallTree is a folder of a few files, the same for the same number.
func smallTree(t *testing.T, number int) string {
	t.Helper()
	tree := t.TempDir()
	random := rand.NewChaCha8([32]byte{byte(number)})
	for i, size := range []int{0, 10, 3000, 60_000} {
		content := make([]byte, size)
		random.Read(content)
		name := filepath.Join(tree, fmt.Sprint("file-", i))
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, time.Time{}, time.Unix(1_600_000_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// stores are stores on a server that keeps what it is given in files of this machine.
type stores struct {
	pkg      string
	address  string
	dir      string                             // what locations are below
	at       func(address, store string) string // the location of a store, by the address of the server or of a line to it
	settings []string                           // how to log in

	asksAgain bool // over another connection, when one is cut
	describe  func(dir string) (map[string]string, error)
}

func newSFTPStores(t *testing.T) stores {
	t.Helper()
	pkg, err := packages.sftp()
	if err != nil {
		t.Fatal(err)
	}
	server, dir := startSSHServer(t), t.TempDir()
	return stores{
		pkg: pkg, address: server.Address, dir: dir,
		at: func(address, store string) string {
			return "sftp://" + server.User + "@" + address + filepath.Join(dir, store)
		},
		settings: []string{"identity=" + server.Identity, "agent=-", "host_key=" + strings.TrimSpace(server.HostKey)},
		describe: rig.Describe,
	}
}

// newS3Stores are stores in a bucket. The server keeps objects in files, and what else is known of them beside these.
func newS3Stores(t *testing.T, server *rig.S3Server) stores {
	t.Helper()
	pkg, err := packages.s3()
	if err != nil {
		t.Fatal(err)
	}
	return stores{
		pkg: pkg, address: server.Address, dir: filepath.Join(server.Buckets, "bucket"),
		at:        func(address, store string) string { return "s3://" + address + "/bucket/" + store },
		settings:  server.Settings(""),
		asksAgain: true, describe: sums,
	}
}

// sums are the sums of the files in a folder.
func sums(dir string) (map[string]string, error) {
	all := map[string]string{}
	return all, fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		all[name] = fmt.Sprintf("%x", sha256.Sum256(content))
		return err
	})
}

// try runs kpkg try with such a store.
func (s stores) try(t *testing.T, command string, args ...string) rig.Result {
	t.Helper()
	args = append([]string{"try", command}, args...)
	args = append(args, "--store", s.pkg)
	for _, setting := range s.settings {
		args = append(args, "--store-config", setting)
	}
	result, err := rig.Run(t.Context(), tools.Kpkg, args...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// check checks a store, and tells how many snapshots are in it.
func (s stores) check(t *testing.T, store string) (snapshots int) {
	t.Helper()
	checked := s.try(t, "check", store)
	_, count, _ := strings.Cut(checked.Stdout, store+"  ")
	if _, err := fmt.Sscan(count, &snapshots); err != nil || checked.Status != 0 {
		t.Fatalf("%v, %v", err, checked)
	}
	return snapshots
}

func startBreaker(t *testing.T, address string, after int64, dies bool) *rig.Breaker {
	t.Helper()
	breaker, err := rig.StartBreaker(address, after, dies)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(breaker.Close)
	return breaker
}
