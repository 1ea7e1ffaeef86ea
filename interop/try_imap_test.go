package interop

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestTryIMAP copies an account into a second one by way of a data file, and does what makes no sense: files into a mail
// account.
func TestTryIMAP(t *testing.T) {
	t.Parallel()
	server := startIMAPServer(t, "/")
	fillAccount(t, server, "joe")
	want := describeAccount(t, server, "joe")
	messages := 0
	for _, mailbox := range want {
		if !slices.Equal(mailbox, []string{holdsNone}) {
			messages += len(mailbox)
		}
	}

	integration := filepath.Join(rig.Root(), "examples/imap")
	location := "imap://" + server.Address
	data := filepath.Join(t.TempDir(), "data.ptar")
	account := func(user string) []string { return []string{"username=" + user, "password=$PASSWORD", "tls=none"} }
	backup := append([]string{"backup", integration, location, "-o", data}, account("joe")...)
	if result := tryWith(t, "wrong-horse", backup...); result.Status != 3 || !strings.Contains(result.Stderr, "joe") {
		t.Errorf("with a wrong password: %v", result)
	}
	if result := tryWith(t, rig.IMAPPassword, backup...); result.Status != 0 {
		t.Fatal(result)
	}

	listed := tryWith(t, rig.IMAPPassword, "ls", data)
	if n := strings.Count(listed.Stdout, ".eml\n"); listed.Status != 0 || n != messages {
		t.Errorf("%d messages are listed of %d, exit status %d\n%s", n, messages, listed.Status, listed.Stderr)
	}

	result := tryWith(t, rig.IMAPPassword, append([]string{"restore", integration, location, data}, account("jim")...)...)
	files := messages + 1 // the keywords of one
	if told := fmt.Sprintf("restored %d,%03d files", files/1000, files%1000); result.Status != 0 ||
		!strings.Contains(result.Stdout, told) {
		t.Errorf("want %q: %v", told, result)
	}
	wantAccount(t, describeAccount(t, server, "jim"), want)

	// A server that cannot be reached, files that are no messages, and messages that have no mailbox.
	unreachable := append([]string{"restore", integration, "imap://127.0.0.1:1", data}, account("jim")...)
	if result := tryWith(t, rig.IMAPPassword, unreachable...); result.Status != 3 ||
		!strings.Contains(result.Stderr, "127.0.0.1:1") {
		t.Errorf("without a server: %v", result)
	}
	noMail := filepath.Join(t.TempDir(), "files.ptar")
	if result := tryWith(t, rig.IMAPPassword, "backup", packages.fs, "fis://"+writeTree(t), "-o", noMail); result.Status != 0 {
		t.Fatal(result)
	}
	result = tryWith(t, rig.IMAPPassword, append([]string{"restore", integration, location, noMail}, account("ann")...)...)
	for _, told := range []string{"restored 0 files", "plain.txt: "} {
		if !strings.Contains(result.String(), told) {
			t.Errorf("want %q: %v", told, result)
		}
	}
	if result.Status != 3 {
		t.Errorf("files restored to mail: %v", result)
	}

	// Mail restored as files, one for each message.
	folder := filepath.Join(t.TempDir(), "mail")
	result = tryWith(t, rig.IMAPPassword, "restore", packages.fs, "fis://"+folder, data)
	if result.Status != 0 {
		t.Errorf("mail restored as files: %v", result)
	}
}
