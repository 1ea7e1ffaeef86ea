package install

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/growth"
)

// TestJournalIsLinear opens folders in which a change of each kind was not finished, in two sizes.
func TestJournalIsLinear(t *testing.T) {
	const name = "x_v1.0.0_linux_amd64.ptar"
	for _, shape := range []struct{ before, repeated, after string }{
		{"", "[", ""}, {`{"remove":[`, `"` + name + `",`, `"` + name + `"]}`}, {`{"remove":["`, "../", name + `"]}`}, {`{"remove":[`, `"",`, `""]}`},
		{`{"add":"`, "x", `_v1.0.0_linux_amd64.ptar"}`}, {`{"add":"x_v1.0.0-`, "a.", `b_linux_amd64.ptar"}`}, {`{"add":"x_v1.`, "1", `.0_linux_amd64.ptar"}`},
		{`{"add":"` + name + `","sum":"`, `\n`, `"}`}, {`{`, `"add":"` + name + `",`, `"sum":""}`}, {`{"`, "x", `":1}`},
	} {
		growth.Linear(t, maxJournal, func(size int) {
			at := folders(t)
			text := shape.before + strings.Repeat(shape.repeated, (size-len(shape.before)-len(shape.after))/len(shape.repeated)) + shape.after
			if err := errors.Join(os.MkdirAll(at.Packages, 0o755), os.WriteFile(at.pkgFile(journalName), []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
			store, err := Open(t.Context(), at)
			if err == nil {
				err = store.Close()
			}
			if err != nil && len(err.Error()) > 5000 {
				t.Errorf("of %.40q it says %d bytes", text, len(err.Error()))
			}
		})
	}
}
