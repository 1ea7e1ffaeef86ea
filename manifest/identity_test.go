package manifest

import (
	"testing"

	"github.com/PlakarKorp/pkg"
)

func TestParseFileName(t *testing.T) {
	good := map[string]Identity{
		"ftp_v1.0.0_linux_amd64.ptar":           {"ftp", "v1.0.0", "linux", "amd64"},
		"Google-Drive2_v1_darwin_arm64.ptar":    {"Google-Drive2", "v1", "darwin", "arm64"},
		"x_v1.0.0-rc.1+meta_windows_386.ptar":   {"x", "v1.0.0-rc.1+meta", "windows", "386"},
		"a_v0.1.0-devel.9066e38_plan9_arm.ptar": {"a", "v0.1.0-devel.9066e38", "plan9", "arm"},
	}
	for name, want := range good {
		got, err := ParseFileName(name)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		if got.FileName() != name {
			t.Errorf("%s comes back as %s", name, got.FileName())
		}
	}
	for name, want := range map[string]string{
		"ftp_v1.0.0_linux_amd64.tar":     "it does not end in .ptar",
		".ptar":                          "three underscores divide it, here are 0",
		"my_ftp_v1.0.0_linux_amd64.ptar": "three underscores divide it, here are 4",
		"_v1.0.0_linux_amd64.ptar":       `"" is not a name of letters, digits and hyphens`,
		"a/b_v1.0.0_linux_amd64.ptar":    `"a/b" is not a name of letters, digits and hyphens`,
		"é_v1.0.0_linux_amd64.ptar":      `"é" is not a name of letters, digits and hyphens`,
		"ftp_1.0.0_linux_amd64.ptar":     `"1.0.0" is not a version`,
		"ftp_v1.0.0__amd64.ptar":         `"" is not an operating system`,
		"ftp_v1.0.0_li-nux_amd64.ptar":   `"li-nux" is not an operating system`,
		"ftp_v1.0.0_linux_.ptar":         `"" is not an architecture`,
	} {
		_, err := ParseFileName(name)
		full := `"` + name + `" is no package's name, NAME_vX.Y.Z_OS_ARCH.ptar: ` + want
		if err == nil || err.Error() != full {
			t.Errorf("%s: got error %v\nwant %s", name, err, full)
		}
	}
}

// FuzzParseFileName holds that what parses has one spelling, and that plakar accepts it.
func FuzzParseFileName(f *testing.F) {
	f.Add("ftp_v1.0.0_linux_amd64.ptar")
	f.Add("a_v1.0.0-rc.1+x_darwin_arm64.ptar")
	f.Add("a_b_v1_linux_.ptar")
	f.Fuzz(func(t *testing.T, name string) {
		identity, err := ParseFileName(name)
		if err != nil {
			return
		}
		if identity.FileName() != name {
			t.Errorf("%q comes back as %q", name, identity.FileName())
		}
		theirs := pkg.Package{
			Name: identity.Name, Version: identity.Version,
			OperatingSystem: identity.OS, Architecture: identity.Arch,
		}
		if err := theirs.Validate(); err != nil {
			t.Errorf("plakar refuses %q: %v", name, err)
		}
	})
}
