package connector

import (
	"net/textproto"
	"strings"
	"testing"
)

// TestEmptyFolders holds what servers answer for a folder that holds nothing, and for one that they do not list.
func TestEmptyFolders(t *testing.T) {
	const cannot = "error"
	replies := []struct{ reply, want string }{
		{"226 done", "dir"},
		{"550 No files found", "dir"},
		{"550 No files found.", "dir"},
		{"450 No files found", "dir"},
		{"450 No files", "dir"},
		{"550 /folder: No such file or directory", "dir"}, // of an empty folder, where one can change into it
		{"550 No such file OR directory.", "dir"},
		{"450 No such files", "dir"},
		{"550 File not found", "dir"},
		{"550 Directory is empty", "dir"},
		{"550 No members found.", "dir"},
		{"550 no matching files", "dir"},
		{"550 Keine Dateien gefunden", "dir"},
		{"550 Das Verzeichnis ist leer", "dir"},
		{"550 Aucun fichier trouvé", "dir"},
		{"550 No se encontraron archivos", "dir"},
		{"550 Nessun file trovato", "dir"},
		{"550 Nenhum arquivo encontrado", "dir"},
		{"550 Geen bestanden gevonden", "dir"},
		{"550 没有文件", "dir"},

		{"550 Permission denied", cannot},
		{"550 /folder: Permission denied", cannot},
		{"450 /folder: Permission denied, no files", cannot},
		{"550 Access is denied. No files found", cannot},
		{"550 no such folder", cannot},
		{"550 No such directory", cannot},
		{"550 Directory not found", cannot},
		{"550 Couldn't open the file or directory", cannot},
		{"550 The device is not ready", cannot},
		{"550 Zugriff verweigert", cannot},
		{"550 folder: Input/output error", cannot},
		{"451 No files found", cannot},
		{"553 No files found", cannot},
		{"226 Transfer done (but failed to open directory).", cannot}, // vsftpd
	}
	for _, command := range []string{"LIST", "MLSD"} {
		for _, test := range replies {
			if command == "MLSD" && strings.HasPrefix(test.reply, "226 T") {
				continue // vsftpd has no MLSD
			}
			s := &script{
				list:    map[string]string{"/": "drwxr-xr-x 2 u g 0 Jan  1 2020 folder\r\n"},
				mlsd:    map[string]string{"/": "type=dir; folder\r\n"},
				folders: map[string]bool{"/": true, "/folder": true},
				replies: map[string]string{command + " /folder": test.reply},
			}
			if command == "MLSD" {
				s.features = "MLST type*;"
			}
			for _, root := range []string{"", "/folder"} {
				got, err := collect(t, newImporter(t, "ftp://"+s.start(t)+root))
				isEmpty := got["/folder"] == "dir" && err == nil
				if isEmpty != (test.want == "dir") {
					t.Errorf("%s %s, answered %q: got %q, %v; want %s", command, root, test.reply, got["/folder"], err, test.want)
				}
			}
		}
	}
}

// TestFoldersThatAreNotEmpty: the words alone prove nothing. It must be possible to change into the folder, and not into
// whatever one likes.
func TestFoldersThatAreNotEmpty(t *testing.T) {
	for name, folders := range map[string]map[string]bool{
		"not to be entered":     {"/": true},
		"anything is a folder":  nil,
		"the root is not there": {},
	} {
		s := &script{
			features: "MLST type*;",
			mlsd:     map[string]string{"/": "type=dir; folder\r\n"},
			folders:  folders,
			replies:  map[string]string{"MLSD /folder": "550 No files found", "LIST /folder": "550 No files found"},
		}
		got, err := collect(t, newImporter(t, "ftp://"+s.start(t)))
		if err != nil || !strings.HasPrefix(got["/folder"], "error: list /folder: 550") {
			t.Errorf("%s: got %q, %v", name, got["/folder"], err)
		}
	}
}

// TestNameInReply: the name of a folder says nothing of what it holds.
func TestNameInReply(t *testing.T) {
	for _, test := range []struct {
		dir, reply string
		want       bool
	}{
		{"/data/empty", "/data/empty: weird thing", false},
		{"/data/is empty", `"is empty": weird thing`, false},
		{"/data/access denied", "/data/access denied: No files found", true},
		{"/", "No files found in /", true},
	} {
		if got := saysEmpty(&textproto.Error{Code: 550, Msg: test.reply}, test.dir); got != test.want {
			t.Errorf("%s, answered %q: %v", test.dir, test.reply, got)
		}
	}
}
