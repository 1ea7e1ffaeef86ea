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

// TestCutLine backs up into stores on an SSH server over a line that is cut, at moments all over the run, or behind which the server
// dies. What kpkg says that it has stored is whole, else it says why it is not, and the next run does what is left to do.
func TestCutLine(t *testing.T) {
	s := newSFTPStores(t)
	whole := startBreaker(t, s.Address, 0, false)
	if result := s.try(t, "backup", packages.fsOne, "fis:"+smallTree(t, 0), s.at(whole.Address, "whole")); result.Status != 0 {
		t.Fatal(result)
	}
	t.Run("stores", func(t *testing.T) {
		for i := range cuts / sharing {
			t.Run(fmt.Sprint("store ", i), func(t *testing.T) {
				t.Parallel()
				c := cutStore{sftpStores: s, name: fmt.Sprint("store-", i)}
				for moment := i + 1; moment <= cuts; moment += cuts / sharing {
					c.cut(t, whole.Passed()*int64(moment)/(cuts+1), moment%sharing == 0)
				}
				c.next(t)
			})
		}
	})
	s.cutRestores(t)
}

// cutStore is a store that backups go to.
type cutStore struct {
	sftpStores
	name      string
	runs      int
	snapshots int // that kpkg has said it stored
	said      []string
}

// cut backs up something new over a line that is cut after so many bytes.
func (c *cutStore) cut(t *testing.T, after int64, dies bool) {
	t.Helper()
	for {
		line := startBreaker(t, c.Address, after, dies)
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

// wantReason checks that a run ended because of a line.
func wantReason(t *testing.T, result rig.Result, line string) {
	t.Helper()
	_, reason, found := strings.Cut(result.Stderr, "kpkg: error: ")
	if result.Status != 3 || !found || strings.Count(reason, "\n") != 1 || !strings.Contains(reason, line) {
		t.Errorf("want one line about %s: %v", line, result)
	}
}

// next is the run after those that were cut.
func (c *cutStore) next(t *testing.T) {
	t.Helper()
	store := c.at(c.Address, c.name)
	if result := c.try(t, "backup", packages.fsOne, "fis:"+smallTree(t, 0), store); result.Status != 0 {
		t.Fatalf("%v\nafter %q", result, c.said)
	}
	checked := c.try(t, "check", store)
	var found int
	_, count, _ := strings.Cut(checked.Stdout, store+"  ")
	if _, err := fmt.Sscan(count, &found); err != nil || checked.Status != 0 {
		t.Fatalf("%v, %v\nafter %q", err, checked, c.said)
	}
	// Of one more than it has said, if the line was cut as the last of it was stored, or when all of it was.
	if found < c.snapshots+1 || found > c.runs+1 {
		t.Errorf("%d snapshots, %d were said to be stored in %d runs: %q", found, c.snapshots+1, c.runs+1, c.said)
	}
}

// cutRestores restores from a store to a folder of the server over a line that is cut: what has its name there is whole.
func (s sftpStores) cutRestores(t *testing.T) {
	t.Helper()
	tree, target := smallTree(t, 0), filepath.Join(s.dir, "restored")
	restore := func(address string) rig.Result {
		args := []string{s.pkg, s.at(address, "restored"), s.at(s.Address, "whole")}
		return s.try(t, "restore", append(args, s.settings()...)...)
	}
	line := startBreaker(t, s.Address, 0, false)
	if result := restore(line.Address); result.Status != 0 {
		t.Fatal(result)
	}
	for i := range 3 {
		if err := os.RemoveAll(target); err != nil {
			t.Fatal(err)
		}
		cut := startBreaker(t, s.Address, line.Passed()*int64(i+1)/4, i == 1)
		if result := restore(cut.Address); result.Status != 3 || !strings.Contains(result.Stderr, cut.Address) {
			t.Errorf("over a line that was cut: %v", result)
		}
		s.wantWhole(t, tree, false)
		if result := restore(s.Address); result.Status != 0 {
			t.Fatal(result)
		}
		s.wantWhole(t, tree, true)
	}
}

// wantWhole compares the folder that was restored to with a tree: what is there, if not all that is to be, is the same, but for
// files that are under way.
func (s sftpStores) wantWhole(t *testing.T, tree string, all bool) {
	t.Helper()
	want, err := rig.Describe(tree)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rig.Describe(filepath.Join(s.dir, "restored"))
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

// sftpStores are stores on an SSH server.
type sftpStores struct {
	*rig.SSHServer
	pkg, dir string
}

func newSFTPStores(t *testing.T) sftpStores {
	t.Helper()
	pkg, err := createExample(t.Context(), t.TempDir(), "sftp", "sftp")
	if err != nil {
		t.Fatal(err)
	}
	return sftpStores{startSSHServer(t), pkg, t.TempDir()}
}

// at is the location of a store, by the address of the server or of a line to it.
func (s sftpStores) at(address, store string) string {
	return "sftp://" + s.User + "@" + address + filepath.Join(s.dir, store)
}

// settings are how to log in.
func (s sftpStores) settings() []string {
	return []string{"identity=" + s.Identity, "agent=-", "host_key=" + strings.TrimSpace(s.HostKey)}
}

// try runs kpkg try with such a store.
func (s sftpStores) try(t *testing.T, command string, args ...string) rig.Result {
	t.Helper()
	t.Helper()
	args = append([]string{"try", command}, args...)
	args = append(args, "--store", s.pkg)
	for _, setting := range s.settings() {
		args = append(args, "--store-config", setting)
	}
	result, err := rig.Run(t.Context(), tools.Kpkg, args...)
	if err != nil {
		t.Fatal(err)
	}
	return result
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
