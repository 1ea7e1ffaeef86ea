package interop

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// manyMessages fill one mailbox: more than any batch, window or queue on the way.
const manyMessages = 2500

// mailboxes are what the account holds besides INBOX, on a server whose names have slashes. Only the last part of each
// is made: the levels above "only/levels/above" hold no messages.
var mailboxes = []string{
	"Empty", "only/levels/above", "Sent", "Sent/2024", "Entwürfe", "文字 & more", "v1.2", "50% off", "x.eml",
	"quote\"and\\back", "Many",
}

// holdsNone describes a mailbox that is only a level above others.
const holdsNone = "holds no messages"

func TestIMAP(t *testing.T) {
	t.Parallel()
	server := startIMAPServer(t, "/")
	fillAccount(t, server, "joe")
	want := describeAccount(t, server, "joe")

	manifest := filepath.Join(rig.Root(), "examples/imap/manifest.yaml")
	file := filepath.Join(t.TempDir(), packageName("imap"))
	result, err := rig.Run(t.Context(), tools.Kpkg, "create", manifest, "v0.1.0", "-o", file)
	if err != nil || result.Status != 0 {
		t.Fatal(err, result)
	}
	client := newClient(t, file)
	store := "fs:" + t.TempDir()
	must(t, client, "at", store, "create", "-plaintext")
	backupAccount(t, client, store, server.Address)
	restoreAccount(t, client, store, server, "jim")
	wantAccount(t, describeAccount(t, server, "jim"), want)

	// To a server that separates levels by what is part of names here.
	dotted := startIMAPServer(t, ".")
	elsewhere := make(map[string][]string)
	for name, messages := range want {
		name = strings.ReplaceAll(name, ".", "%2E")
		elsewhere[strings.ReplaceAll(name, "/", ".")] = messages
	}
	restoreAccount(t, client, store, dotted, "ann")
	wantAccount(t, describeAccount(t, dotted, "ann"), elsewhere)

	// Over a line that is cut all the time, in the middle of the large message too.
	cutter, err := rig.StartCutter(server.Address, 300_000)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cutter.Close(); err != nil {
			t.Error(err)
		}
	})
	store = "fs:" + t.TempDir()
	must(t, client, "at", store, "create", "-plaintext")
	backupAccount(t, client, store, cutter.Address)
	if n := cutter.Cuts.Load(); n < 20 {
		t.Errorf("the line was cut %d times only", n)
	}
	restoreAccount(t, client, store, server, "tom")
	wantAccount(t, describeAccount(t, server, "tom"), want)

	const wrong = "wrong-horse"
	result = runClient(t, client, "at", store, "backup",
		"-o", "username=joe", "-o", "password="+wrong, "-o", "tls=none", "imap://"+server.Address)
	if result.Status == 0 || !strings.Contains(result.Stderr, "joe") || strings.Contains(result.String(), wrong) {
		t.Errorf("backup with a wrong password: %v", result)
	}
}

// TestIMAPOneConnection copies an account where nobody may connect two times.
func TestIMAPOneConnection(t *testing.T) {
	server := startIMAPServerOf(t, "/", 1)
	const messages = 100
	client, err := imapclient.DialInsecure(server.Address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Login("joe", rig.IMAPPassword).Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		content := fmt.Sprintf("Subject: %d\r\n\r\n%s\r\n", i, strings.Repeat("x", 100*i))
		command := client.Append("INBOX", int64(len(content)), nil)
		if _, err := command.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		if err := command.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := command.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Logout().Wait(); err != nil {
		t.Fatal(err)
	}
	client.Close()

	manifest := filepath.Join(rig.Root(), "examples/imap/manifest.yaml")
	file := filepath.Join(t.TempDir(), packageName("imap"))
	if result, err := rig.Run(t.Context(), tools.Kpkg, "create", manifest, "v0.1.0", "-o", file); err != nil || result.Status != 0 {
		t.Fatal(err, result)
	}
	plakar := newClient(t, file)
	store := "fs:" + t.TempDir()
	must(t, plakar, "at", store, "create", "-plaintext")
	backupAccount(t, plakar, store, server.Address)
	restoreAccount(t, plakar, store, server, "jim")
	if got := describeMailbox(t, logIn(t, server, "jim"), "INBOX"); len(got) != messages {
		t.Errorf("%d messages were restored, want %d", len(got), messages)
	}
}

// backupAccount backs up the account joe, and checks.
func backupAccount(t *testing.T, client *rig.Client, store, address string) {
	t.Helper()
	result := must(t, client, "at", store, "backup",
		"-o", "password="+rig.IMAPPassword, "-o", "tls=none", "imap://joe@"+address)
	if !strings.Contains(result.Stdout, "completed without errors") {
		t.Errorf("backup: %v", result)
	}
	result = must(t, client, "at", store, "check")
	if !strings.Contains(result.Stdout, "completed without errors") {
		t.Errorf("check: %v", result)
	}
}

func restoreAccount(t *testing.T, client *rig.Client, store string, server *rig.Server, user string) {
	t.Helper()
	must(t, client, "at", store, "restore",
		"-o", "username="+user, "-o", "password="+rig.IMAPPassword, "-o", "tls=none", "-to", "imap://"+server.Address)
}

func startIMAPServer(t *testing.T, separator string) *rig.Server {
	t.Helper()
	return startIMAPServerOf(t, separator, 50)
}

func startIMAPServerOf(t *testing.T, separator string, connections int) *rig.Server {
	t.Helper()
	server, err := rig.StartIMAPServer(separator, connections)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func logIn(t *testing.T, server *rig.Server, user string) *imapclient.Client {
	t.Helper()
	client, err := imapclient.DialInsecure(server.Address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if err := client.Login(user, rig.IMAPPassword).Wait(); err != nil {
		t.Fatal(err)
	}
	return client
}

// fillAccount puts messages into the mailboxes, the same each time: many small ones, a large one, with every flag.
func fillAccount(t *testing.T, server *rig.Server, user string) {
	t.Helper()
	client := logIn(t, server, user)
	for _, name := range mailboxes {
		if err := client.Create(name, nil).Wait(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	random := rand.New(rand.NewChaCha8([32]byte{}))
	flags := []imap.Flag{
		imap.FlagSeen, imap.FlagFlagged, imap.FlagAnswered, imap.FlagDraft, imap.FlagDeleted, "$Forwarded", "a,b/c",
	}
	start := time.Date(2020, 2, 29, 12, 0, 0, 0, time.FixedZone("", 5*3600+1800))
	add := func(mailbox string, i, lines int, more ...imap.Flag) {
		var message bytes.Buffer
		fmt.Fprintf(&message, "From: joe@example.org\r\nSubject: message %d\r\nMIME-Version: 1.0\r\n", i)
		fmt.Fprintf(&message, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
		for range lines {
			fmt.Fprintf(&message, "%x naïve\r\n", random.Uint64())
		}
		options := &imap.AppendOptions{Time: start.Add(time.Duration(i) * time.Hour), Flags: more}
		for bit, flag := range flags {
			if i>>bit&1 != 0 {
				options.Flags = append(options.Flags, flag)
			}
		}
		command := client.Append(mailbox, int64(message.Len()), options)
		if _, err := message.WriteTo(command); err != nil {
			t.Fatal(err)
		}
		if err := command.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := command.Wait(); err != nil {
			t.Fatalf("append to %s: %v", mailbox, err)
		}
	}
	for i := range manyMessages {
		add("Many", i, random.IntN(60))
	}
	for i, name := range append([]string{"INBOX"}, mailboxes...) {
		if name != "Empty" {
			add(name, i, 10)
		}
	}
	add("INBOX", 1<<10, 300_000)
	add("INBOX", 1<<11, 10, longKeywords()...)
}

// longKeywords are more than the name of a file has place for.
func longKeywords() []imap.Flag {
	var keywords []imap.Flag
	for i := range 20 {
		keywords = append(keywords, imap.Flag(fmt.Sprintf("$keyword-of-a-message-%d", i)))
	}
	return keywords
}

// describeAccount gives a sorted line for each message of each mailbox: its date, flags, size and content. A mailbox
// that holds no messages has none; one that cannot hold any has a line that says so.
func describeAccount(t *testing.T, server *rig.Server, user string) map[string][]string {
	t.Helper()
	client := logIn(t, server, user)
	listed, err := client.List("", "*", nil).Collect()
	if err != nil {
		t.Fatal(err)
	}
	account := make(map[string][]string)
	for _, data := range listed {
		if slices.Contains(data.Attrs, imap.MailboxAttrNoSelect) {
			account[data.Mailbox] = []string{holdsNone}
			continue
		}
		account[data.Mailbox] = describeMailbox(t, client, data.Mailbox)
	}
	return account
}

func describeMailbox(t *testing.T, client *imapclient.Client, mailbox string) []string {
	t.Helper()
	selected, err := client.Select(mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if selected.NumMessages == 0 {
		return nil
	}
	messages, err := client.Fetch(imap.SeqSet{{Start: 1}}, &imap.FetchOptions{
		Flags:        true,
		InternalDate: true,
		BodySection:  []*imap.FetchItemBodySection{{Peek: true}},
	}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range messages {
		content := m.BodySection[0].Bytes
		flags := slices.DeleteFunc(m.Flags, func(f imap.Flag) bool { return f == `\Recent` })
		slices.Sort(flags)
		lines = append(lines,
			fmt.Sprintf("%v %q %d %x", m.InternalDate.UTC(), flags, len(content), sha256.Sum256(content)))
	}
	slices.Sort(lines)
	return lines
}

func wantAccount(t *testing.T, got, want map[string][]string) {
	t.Helper()
	if total := len(want["Many"]); total != manyMessages+1 {
		t.Fatalf("the account has %d messages in Many, want %d", total, manyMessages+1)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, found := got[name]; !found {
			t.Errorf("mailbox %q is missing", name)
		} else if !slices.Equal(got[name], want[name]) {
			t.Errorf("mailbox %q: got %d messages, want %d: %.1000q, want %.1000q",
				name, len(got[name]), len(want[name]), got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, found := want[name]; !found {
			t.Errorf("mailbox %q: want none", name)
		}
	}
}
