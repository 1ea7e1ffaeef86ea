package try

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	t.Setenv("KPKG_TEST_PIN", "1234")
	tests := []struct {
		name string
		args []string
		want map[string]string
		err  string
	}{
		{"none", nil, map[string]string{}, ""},
		{"plain", []string{"a=b", "c=", "d=e=f"}, map[string]string{"a": "b", "c": "", "d": "e=f"}, ""},
		{"variable", []string{"a=$KPKG_TEST_PIN"}, map[string]string{"a": "1234"}, ""},
		{"no key", []string{"=hunter22"}, nil, "setting 1 of the connector is not of the form KEY=VALUE"},
		{"no value", []string{"a=b", "hunter22"}, nil, "setting 2 of the connector is not of the form KEY=VALUE"},
		{"twice", []string{"a=hunter22", "a=b"}, nil, "a is given twice"},
		{"location", []string{"location=ftp://hunter22"}, nil, "location is an argument of its own"},
		{"no variable", []string{"a=$KPKG_TEST_NONE"}, nil, "a: there is no environment variable KPKG_TEST_NONE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseConfig(t.Context(), test.args)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				if strings.Contains(err.Error(), "hunter22") {
					t.Fatalf("the error repeats a value: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got.values, test.want) {
				t.Errorf("got %q, want %q", got.values, test.want)
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	t.Setenv("KPKG_TEST_PHRASE", "correct horse")
	c, err := ParseConfig(t.Context(), []string{"phrase=$KPKG_TEST_PHRASE", "user=plain"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.secrets, []string{"correct horse"}) {
		t.Errorf("secrets %q", c.secrets)
	}
}

func TestCutError(t *testing.T) {
	cut := func(text string) string { return strings.ReplaceAll(text, "correct horse", "***") }
	got := cutError(fmt.Errorf("login with correct horse: %w", fs.ErrPermission), cut)
	if strings.Contains(got.Error(), "horse") {
		t.Errorf("the error keeps the secret: %v", got)
	}
	if got := cutError(fmt.Errorf("login: %w", fs.ErrPermission), cut); !errors.Is(got, fs.ErrPermission) {
		t.Errorf("an error without a secret became another: %v", got)
	}
}
