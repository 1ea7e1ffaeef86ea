package try

import (
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/manifest"
)

func TestFind(t *testing.T) {
	m := manifest.Manifest{Name: "several", Connectors: []manifest.Connector{
		{Type: "importer", Protocols: []string{"fis", "fat"}, LocationFlags: []string{"localfs"}, Executable: "local"},
		{Type: "importer", Protocols: []string{"imap"}, Executable: "mail"},
		{Type: "exporter", Protocols: []string{"fat"}, Executable: "other"},
	}}
	tests := []struct {
		typ, location                   string
		executable, protocol, completed string
		err                             string
	}{
		{"importer", "fis:///abs/folder", "local", "fis", "fis:///abs/folder", ""},
		{"importer", "fis:/abs/folder", "local", "fis", "fis:///abs/folder", ""},
		{"importer", "fis://folder", "local", "fis", "fis:///here/folder", ""},
		{"importer", "fat:../folder", "local", "fat", "fat:///folder", ""},
		{"importer", "imap://host:993", "mail", "imap", "imap://host:993", ""},
		{"exporter", "imap://me:hunter22@host", "", "", "",
			"several has no exporter for imap://; it has importer fis://, importer fat://, importer imap://, exporter fat://"},
		{"importer", "/abs/folder", "", "", "", "the location has no protocol; several has importer fis://"},
		{"importer", "", "", "", "", "the location has no protocol"},
		{"exporter", "fat:folder", "other", "fat", "fat://folder", ""},
	}
	for _, test := range tests {
		t.Run(test.typ+" "+test.location, func(t *testing.T) {
			got, err := find(m, test.typ, test.location, "/here")
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hunter22") {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			at := got.location
			if got.Executable != test.executable || at.Protocol != test.protocol || at.String() != test.completed {
				t.Errorf("got %s for %s at %s", got.Executable, at.Protocol, at)
			}
		})
	}
}
