package create

import (
	"testing"

	"github.com/google/uuid"
)

// A receipt of another kpkg says nothing: it may have judged otherwise.
func TestReceiptsOfAnotherProgram(t *testing.T) {
	named := func(name string) func() string { return func() string { return name } }
	dir, id := t.TempDir(), uuid.New()
	receipts{dir, named("one")}.put(id, receipt{Name: "a", SHA256: "b"})
	for name, want := range map[string]bool{"one": true, "other": false, "": false} {
		found, ok := receipts{dir, named(name)}.get(id)
		if ok != want || ok && (found.Name != "a" || found.SHA256 != "b") {
			t.Errorf("to the program %q the receipt is %+v, %t", name, found, ok)
		}
	}
	receipts{dir, named("")}.put(id, receipt{Name: "unknown"}) // who does not know itself leaves none
	if found, ok := (receipts{dir, named("one")}).get(id); !ok || found.Name != "a" {
		t.Errorf("got %+v, %t", found, ok)
	}
	if _, ok := (receipts{dir, named("one")}).get(uuid.New()); ok {
		t.Error("there is a receipt of a package that nobody made")
	}
	if _, ok := (receipts{}).get(id); ok {
		t.Error("there is a receipt without a folder")
	}
}
