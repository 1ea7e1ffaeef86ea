package connector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// testNow is when the listings of the tests are read.
var testNow = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// describeEntry is "KIND NAME [-> TARGET] SIZE TIME", or without the time if that is not known.
func describeEntry(e entry) string {
	text := e.kind + " " + e.info.Lname
	if e.target != "" {
		text += " => " + e.target
	}
	text += fmt.Sprintf(" %d", e.info.Lsize)
	if !e.info.LmodTime.Equal(testNow) {
		text += e.info.LmodTime.UTC().Format(" 2006-01-02 15:04:05")
	}
	return text
}

// TestLines reads a line as each kind of server writes it.
func TestLines(t *testing.T) {
	for _, test := range []struct{ server, line, want string }{
		{"ls", "-rw-r--r--   1 root     other        531 Jan 29 03:26 a b", "file a b 531 2026-01-29 03:26:00"},
		{"ls", "dr-xr-xr-x   2 root     other        512 Apr  8  1994 dir", "dir dir 0 1994-04-08 00:00:00"},
		{"ls, time of last year", "-rw-r--r-- 1 u g 5 Nov 16 18:00 f", "file f 5 2025-11-16 18:00:00"},
		{"ls, clock ahead of ours", "-rw-r--r-- 1 u g 5 Mar 11 06:00 f", "file f 5 2026-03-11 06:00:00"},
		{"ls, leap day", "-rw-r--r-- 1 u g 5 Feb 29 06:00 f", "file f 5 2024-02-29 06:00:00"},
		{"ls, end of the day", "-rw-r--r-- 1 u g 5 Mar  4 24:00 f", "file f 5 2026-03-05 00:00:00"},
		{"ls, blanks around the name", "-rw-r--r-- 1 u g 5 Dec 02  2009   f ", "file   f  5 2009-12-02 00:00:00"},
		{"ls, arrow in a file's name", "-rw-r--r-- 1 u g 5 Dec 02  2009 a -> b", "file a -> b 5 2009-12-02 00:00:00"},
		{"ls, link", "lrwxrwxrwx 1 u g 7 Jan 25 00:17 bin -> usr/bin", "os.unix=symlink bin => usr/bin 0 2026-01-25 00:17:00"},
		{"ls, link without target", "lrwxrwxrwx 1 u g 7 Jan 25 00:17 bin", "os.unix=symlink bin 0 2026-01-25 00:17:00"},
		{"ls, device", "crw-rw-rw- 1 root root 1, 3 Jan 25 00:17 null", "character device null 3 2026-01-25 00:17:00"},
		{"ls, access list", "-rwxrw-r--+  1 521 101 2080 May 21  2020 f", "file f 2080 2020-05-21 00:00:00"},
		{"ls, SELinux", "-rwxrw-r--.  1 521 101 2080 May 21  2020 f", "file f 2080 2020-05-21 00:00:00"},
		{"ls -lh", "-rw-r--r-- 1 root other 34.5k Oct 5 21:22 f", "file f 0 2025-10-05 21:22:00"},
		{"ls, long-iso", "-rw-r--r-- 1 root other 531 2005-06-07 21:22 f", "file f 531 2005-06-07 21:22:00"},
		{"ls, full-iso", "-rw-r--r-- 1 u g 531 2005-06-07 21:22:33.123456789 +0230 f", "file f 531 2005-06-07 18:52:33"},
		{"ls, iso", "-rw-r--r-- 1 root other 531 09-26 13:45 f", "file f 531 2025-09-26 13:45:00"},
		{"ls, date with slashes", "-r-xr-xr-x 2 root other 2235 1999/10/12 17:12 f", "file f 2235 1999-10-12 17:12:00"},
		{"ls, day first", "-r-xr-xr-x 2 root other 2235 24-04-2003 17:12 f", "file f 2235 2003-04-24 17:12:00"},
		{"ls, day or month first", "-r-xr-xr-x 2 root other 2235 04-05-2003 17:12 f", "file f 2235"},
		{"ls, short month", "-r-xr-xr-x 2 owner group 4512 01-jun-99 f", "file f 4512 1999-06-01 00:00:00"},
		{"ls -lT of BSD", "-rw-r--r-- 1 u g 531 Jan 29 03:26:44 2014 f", "file f 531 2014-01-29 03:26:44"},
		{"ls, German", "dr-xr-xr-x 2 root other 2235 26. Juli, 20:10 dir", "dir dir 0 2025-07-26 20:10:00"},
		{"ls, German", "-r-xr-xr-x 2 root other 2235 2. Okt. 2003 f", "file f 2235 2003-10-02 00:00:00"},
		{"ls, French", "-r-xr-xr-x 2 root other 2235 16 févr. 2003 f", "file f 2235 2003-02-16 00:00:00"},
		{"ls, day before month", "drwxrwxrwx 1 0 0 0 29 Jul 02:27 2014 Invoices", "dir 2014 Invoices 0 2025-07-29 02:27:00"},
		{"ls, a size that is none", "-rw-r--r-- 0 18446744073709551615 18446744073709551615 Nov 16  2006 f",
			"file f 0 2006-11-16 00:00:00"},
		{"ls, a far year", "-rw-r--r-- 1 u g 5 Jan  1 9999 f", "file f 5 9999-01-01 00:00:00"},
		{"ls, a year too far", "-rw-r--r-- 1 u g 5 Jan  1 292277026596 f", "file f 5"},
		{"ls, a day that is none", "-rw-r--r-- 1 u g 5 Feb 30 2020 f", "file f 5"},
		{"no group", "dr-xr-xr-x   2 root                  512 Apr  8  1994 dir", "dir dir 0 1994-04-08 00:00:00"},
		{"no owner and group", "-r--r--r-- 0125039 12 Nov 11 2005 f", "file f 12 2005-11-11 00:00:00"},
		{"Windows domains", "-rw-r--r--   1 group domain user 531 Jan 29 03:26 f", "file f 531 2026-01-29 03:26:00"},
		{"group and size in one", "-r-xr-xr-x longowner longgroup123456 Feb 12 17:20 f", "file f 0 2026-02-12 17:20:00"},
		{"hostedftp.com", "-r--------   0 user group     65222236 Feb 24 00:39 f", "file f 65222236 2026-02-24 00:39:00"},
		{"IIS like Unix", "----------   1 owner    group         1803128 Jul 10 10:18 f", "file f 1803128 2025-07-10 10:18:00"},
		{"IIS like Unix", "d---------   1 owner    group               0 May  9  2019 dir", "dir dir 0 2019-05-09 00:00:00"},
		{"NetPresenz", "drwxrwxr-x               folder        2 May 10  1996 dir", "dir dir 0 1996-05-10 00:00:00"},
		{"NetPresenz", "-------r--         326  1391972  1392298 Nov 22  1995 f", "file f 1392298 1995-11-22 00:00:00"},
		{"VShell", "-rwxr-xr-x    1 user group        9 Oct 08, 2002 09:47 f", "file f 9 2002-10-08 09:47:00"},

		{"NetWare", "d [R----F--] supervisor            512       Jan 16 18:53    login", "dir login 0 2026-01-16 18:53:00"},
		{"NetWare", "- [RWCEAFMS] r hesus            214059       Oct 20  2001    cx.exe", "file cx.exe 214059 2001-10-20 00:00:00"},

		{"IIS", "04-27-00  12:09PM       <DIR>          a dir", "dir a dir 0 2000-04-27 12:09:00"},
		{"IIS", "04-14-00  03:47PM                  589 a file", "file a file 589 2000-04-14 15:47:00"},
		{"IIS, midnight", "04-14-00  12:07AM                  589 f", "file f 589 2000-04-14 00:07:00"},
		{"IIS, blank before the name", "04-27-00  12:09PM       <DIR>           dir", "dir  dir 0 2000-04-27 12:09:00"},
		{"IIS, blank before the name", "04-14-00  03:47PM                  589  f", "file  f 589 2000-04-14 15:47:00"},
		{"IIS, four-digit year", "08-10-2015  02:04PM       <DIR>          dir", "dir dir 0 2015-08-10 14:04:00"},
		{"IIS, four-digit year", "08-07-2015  07:50AM                  718 f", "file f 718 2015-08-07 07:50:00"},
		{"DOS, year first", "2002-09-02  18:48       <DIR>          dir", "dir dir 0 2002-09-02 18:48:00"},
		{"DOS, year first", "2002-09-02  19:06                9,730 f", "file f 9730 2002-09-02 19:06:00"},
		{"DOS, 24 hours", "09-02-2002  19:06                9730 f", "file f 9730 2002-09-02 19:06:00"},
		{"DOS, day first", "27.11.2015  07:50             9.730 f", "file f 9730 2015-11-27 07:50:00"},
		{"DOS, slashes", "11/27/2015  07:50 PM             730 f", "file f 730 2015-11-27 19:50:00"},
		{"DOS, a link", `11/27/2015  07:50 PM    <SYMLINKD>     l [C:\x]`, `os.unix=symlink l => C:\x 0 2015-11-27 19:50:00`},

		{"VMS", "FOLDER.DIR;1  1 19-NOV-2001 21:41 [root,root] (RWE,RWE,RE,RE)", "dir FOLDER 0 2001-11-19 21:41:00"},
		{"VMS", "F.TXT;3       155   2-JUL-2003 10:30:13.64", "file F.TXT;3 79360 2003-07-02 10:30:13"},
		{"VMS, no time", "F.TXT;1    2/8    15-JAN-2000    [IV2_XXX]   (RWED,RWED,RE,)", "file F.TXT;1 1024 2000-01-15 00:00:00"},
		{"VMS, other order", "F.TXT;1   [SUMMARY]    1/3     2-AUG-2006 13:05  (RWE,RWE,RE,)", "file F.TXT;1 512 2006-08-02 13:05:00"},
		{"VMS, other order", "F.TXT;1       17-JUN-1994 17:25:37     6308/13     (RWED,RWED,R,)",
			"file F.TXT;1 3229696 1994-06-17 17:25:37"},
		{"VMS, two lines", "A_LONG_NAME.TXT;1\r\n            170774/170775     24-APR-2003 08:16:15  [FTP,SCOT]   (RWED,RWED,RE,)",
			"file A_LONG_NAME.TXT;1 87436288 2003-04-24 08:16:15"},

		{"OS/400", "QSYS            77824 02/23/00 15:09:55 *DIR       folder/", "dir folder 0 2000-02-23 15:09:55"},
		{"OS/400", "QSYS            77824 23/02/00 15:09:55 *STMF      a file", "file a file 77824 2000-02-23 15:09:55"},
		{"OS/400", "QPGMR           36864 18.09.06 14:21:26 *FILE      X.FILE", "file X.FILE 36864 2006-09-18 14:21:26"},
		{"OS/400, date with several meanings", "QSYS     77824 02/03/04 15:09:55 *STMF      f", "file f 77824"},
		{"OS/400, member", "QSYS                                    *MEM       X.FILE", "file X.FILE 0"},
		{"OS/400, link", "JOE   24 2016-05-06 10:11:12 *SYMLNK    l", "os.unix=symlink l 0 2016-05-06 10:11:12"},

		{"EPLF", "+i8388621.48594,m825718503,r,s280,up755\ta  file", "file a  file 280 1996-03-01 22:15:03"},
		{"EPLF", "+i8388621.50690,m824255907,/,\tdir", "dir dir 0 1996-02-13 23:58:27"},
		{"EPLF, a far year", "+m9223372036854775807,r,s5,\tf", "file f 5"},

		{"facts", "Type=file;mOdIfY=20081105165215;size=1234; f", "file f 1234 2008-11-05 16:52:15"},
	} {
		var raw capture
		fmt.Fprintf(&raw, "%s\r\n", test.line)
		l := parseLines(raw.lines(), testNow)
		if len(l.flaws) > 0 || len(l.entries) != 1 {
			t.Errorf("%s: %q gives %d entries and %v", test.server, test.line, len(l.entries), l.flaws)
		} else if got := describeEntry(l.entries[0]); got != test.want {
			t.Errorf("%s: %q gives\n\t%s, want\n\t%s", test.server, test.line, got, test.want)
		}
	}
}

// TestLinesThatAreNoEntries holds what servers write around entries, and what they list of the folder itself.
func TestLinesThatAreNoEntries(t *testing.T) {
	var raw capture
	fmt.Fprint(&raw, "total 16\r\ninsgesamt 16K\r\n\r\n  \r\n"+
		"drwxr-xr-x 2 u g 512 Jan  5  2020 .\r\ndrwxr-xr-x 2 u g 512 Jan  5  2020 ..\r\n"+
		"Directory DISK$USER:[JOE.SUB]\r\nF.TXT;1 1 2-JUL-2003 10:30:13\r\nTotal of 1 file, 1/3 blocks\r\n")
	l := parseLines(raw.lines(), testNow)
	if len(l.flaws) > 0 || len(l.entries) != 1 || l.self == nil || l.self.LmodTime.Year() != 2020 {
		t.Errorf("got entries %v, flaws %v, self %v", l.entries, l.flaws, l.self)
	}
}

// TestLinesThatAreFlaws: each costs itself alone, and is named.
func TestLinesThatAreFlaws(t *testing.T) {
	flawed := []string{
		"ls: cannot open directory 'x': Permission denied",
		"WYOSPT 3420   2003/05/21  1  200  FB      80  8053  PS  MVS.FILE", // MVS names are no paths
		"SECRET.TXT;1    %RMS-E-PRV, insufficient privilege or file protection violation",
		"ALONE.TXT;1",
		"drwxr-xr-x 3 slopri devlab 512 dateless",
		"lrwxrwxrwx 1 u g 4 Jan  1 2020 a -> b -> c",
		"lrwxrwxrwx 1 u g 4 Jan  1 2020  -> c",
		`11/27/2015  07:50 PM    <SYMLINK>     l [a] [b]`,
		"-rw-r--r-- 1 u g 4 Jan  1 2020 ../up",
		"-rw-r--r-- 1 u g 4 Jan  1 2020 caf\xe9",
		"-rw-r--r-- 1 u g 4 Jan  1 2020 ",
		"-rw-r--r-- 1 u g 4 Mon 32",
		"<html>", "+r\t", "0",
		strings.Repeat("x", 1<<17),
	}
	var raw capture
	for _, line := range flawed {
		fmt.Fprintf(&raw, "%s\r\n-rw-r--r-- 1 u g 4 Jan  1 2020 good after %.60q\r\n", line, strings.ReplaceAll(line, "/", "|"))
	}
	l := parseLines(raw.lines(), testNow)
	if len(l.entries) != len(flawed) || len(l.flaws) != len(flawed) {
		t.Fatalf("%d entries and %d flaws, want %d of each: %q", len(l.entries), len(l.flaws), len(flawed), l.flaws)
	}
	for i, line := range flawed {
		want := fmt.Sprintf("line %.60q", line)
		if got := l.flaws[i].Error(); !strings.HasPrefix(got, want[:len(want)-1]) || len(got) > 500 {
			t.Errorf("%.80q: %s", line, got)
		}
	}
}

// TestManyFlaws: an error names many lines, not any number.
func TestManyFlaws(t *testing.T) {
	l := &listing{}
	for i := range 1000 {
		l.addFlaw(fmt.Sprint("line ", i), errOtherFormat)
	}
	got := l.flawed().Error()
	if !strings.Contains(got, `"line 49"`) || !strings.HasSuffix(got, "; and 950 lines more") || strings.Contains(got, `"line 50"`) {
		t.Error(got)
	}
}

// TestTargetsOfMachineListings: the names that MLSD tells part what LIST runs together.
func TestTargetsOfMachineListings(t *testing.T) {
	var machine, lines capture
	fmt.Fprint(&machine, "type=OS.unix=symlink; plain\r\ntype=OS.unix=symlink; a -> b\r\ntype=OS.unix=symlink; twice\r\n"+
		"type=OS.unix=symlink; x\r\ntype=OS.unix=symlink; x -> y\r\ntype=OS.unix=slink:has -> one; told\r\n"+
		"type=OS.unix=slink:a; told -> too\r\ntype=file; file -> name\r\n")
	for _, text := range []string{"plain -> p -> q", "a -> b -> c", "x -> y -> z", "twice -> 1", "twice -> 2", "unknown -> x"} {
		fmt.Fprintf(&lines, "lrwxrwxrwx 1 u g 4 Jan  1 2020 %s\r\n", text)
	}
	l := parseMachineLines(machine.lines(), testNow)
	l.takeTargets(lines.lines(), testNow)
	var got []string
	for _, e := range l.entries {
		got = append(got, e.info.Lname+" => "+e.target)
	}
	want := []string{
		"plain => p -> q", "a -> b => c", "twice => ", "x => ", "x -> y => ", "told => has -> one",
		"told -> too => a", "file -> name => ",
	}
	if !slices.Equal(got, want) || len(l.flaws) > 0 {
		t.Errorf("got %q, want %q; flaws %v", got, want, l.flaws)
	}
}

// FuzzLines looks for lines that make a parser panic, or give what a snapshot cannot hold.
func FuzzLines(f *testing.F) {
	for _, line := range []string{
		"-rw-r--r-- 1 u g 5 Jan 29 03:26 f", "lrwxrwxrwx 1 u g 5 1 Feb 2020 a -> b", "d [R----F--] su 512 Jan 16 18:53  login",
		"04-27-2000  12:09PM       <DIR>          d", "F.TXT;3\r\n 155/1 2-JUL-2003 10:30:13.64", "+i8,m8,r,s280,\tf",
		"QSYS 77824 02/23/00 15:09:55 *DIR f/", "type=file;size=3; f", "-rw-r--r-- 1 u g 9 2005-06-07 21:22:33.1 +9999 f",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var raw capture
		fmt.Fprint(&raw, text)
		l := parseLines(raw.lines(), testNow)
		if got := len(l.entries) + len(l.flaws); got > strings.Count(text, "\n")+1 {
			t.Errorf("%q gives %d entries and flaws", text, got)
		}
		for _, e := range l.entries {
			if y := e.info.LmodTime.Year(); e.info.Lsize < 0 || y < 1 || y > 9999 || checkName(e.info.Lname) != nil {
				t.Errorf("%q gives %s", text, describeEntry(e))
			}
			if e.info.IsDir() != (e.kind == typeFolder) {
				t.Errorf("%q: kind %s has mode %v", text, e.kind, e.info.Lmode)
			}
		}
	})
}
