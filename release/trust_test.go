package release

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
)

var update = flag.Bool("update", false, "rewrite the documentation of rules")

// signed is a file with sum and signature in a folder of its own.
func signed(t *testing.T, key *SecretKey, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	put(t, path, content)
	if _, err := Sign(context.Background(), path, key); err != nil {
		t.Fatal(err)
	}
	return path
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// judge is what trust says of the file at path: the rules, and whether the signature counts.
func (trust Trust) judge(t *testing.T, path string) (rules []string, findings []finding.Finding, signer string) {
	t.Helper()
	sum, err := SumFile(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	signature, findings, err := trust.Judge(path, sum, BesideFile(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		rules = append(rules, f.Rule)
	}
	if signature != nil {
		signer = signature.File
	}
	slices.Sort(rules)
	return rules, findings, signer
}

// TestTampered changes each part of a signed file in every way that there is a rule for.
func TestTampered(t *testing.T) {
	ours, public := pair(t, "ours")
	theirs, _ := pair(t, "theirs")
	const name, content = "a_v1.0.0_linux_amd64.ptar", "content"
	sumOf := func(name string) string {
		return Sum{name, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}.String()
	}
	resign := func(t *testing.T, key *SecretKey, path, message string) {
		signature, err := key.Sign([]byte(message))
		if err != nil {
			t.Fatal(err)
		}
		put(t, path+SignatureExtension, string(signature))
	}
	var raised []finding.Finding
	for title, test := range map[string]struct {
		change func(t *testing.T, path string)
		want   []string
	}{
		"nothing":         {func(*testing.T, string) {}, nil},
		"content":         {func(t *testing.T, path string) { put(t, path, "Content") }, []string{"signature-sum", "sum-mismatch"}},
		"no signature":    {func(t *testing.T, path string) { os.Remove(path + SignatureExtension) }, []string{"signature-missing"}},
		"no sum":          {func(t *testing.T, path string) { os.Remove(path + SumExtension) }, []string{"sum-missing"}},
		"sum":             {func(t *testing.T, path string) { put(t, path+SumExtension, sumOf(name)) }, []string{"sum-mismatch"}},
		"sum of another":  {func(t *testing.T, path string) { put(t, path+SumExtension, sumOf("b")) }, []string{"sum-name"}},
		"sum of two":      {func(t *testing.T, path string) { put(t, path+SumExtension, sumOf(name)+sumOf("b")) }, []string{"sum-form"}},
		"sum with a path": {func(t *testing.T, path string) { put(t, path+SumExtension, sumOf("x/"+name)) }, []string{"sum-form"}},
		"content and sum": {func(t *testing.T, path string) {
			put(t, path, "Content")
			os.Remove(path + SumExtension)
			if _, err := WriteSum(context.Background(), path); err != nil {
				t.Fatal(err)
			}
		}, []string{"signature-sum"}},
		"another key": {func(t *testing.T, path string) { resign(t, theirs, path, get(t, path+SumExtension)) }, []string{"signature-key"}},
		"another key under our id": {func(t *testing.T, path string) {
			forger := *theirs
			forger.ID = ours.ID
			resign(t, &forger, path, get(t, path+SumExtension))
		}, []string{"signature-forged"}},
		"signed text": {func(t *testing.T, path string) {
			signature := get(t, path+SignatureExtension)
			put(t, path+SignatureExtension, signature[:len(signature)-2]+"0\n")
		}, []string{"signature-forged"}},
		"signature of another name": {func(t *testing.T, path string) { resign(t, ours, path, sumOf("b")) }, []string{"signature-name"}},
		"signature of another sum":  {func(t *testing.T, path string) { resign(t, ours, path, sumOf(name)) }, []string{"signature-sum"}},
		"signature of other text":   {func(t *testing.T, path string) { resign(t, ours, path, "hello") }, []string{"signature-form"}},
		"signature that is none":    {func(t *testing.T, path string) { put(t, path+SignatureExtension, "x") }, []string{"signature-form"}},
		"signature that is a key": {func(t *testing.T, path string) {
			data, _ := public.Marshal("")
			put(t, path+SignatureExtension, string(data))
		}, []string{"signature-form"}},
		"renamed with sum and signature": {func(*testing.T, string) {}, []string{"signature-name", "sum-name"}},
	} {
		t.Run(title, func(t *testing.T) {
			path := signed(t, ours, name, content)
			if title == "renamed with sum and signature" {
				path = signed(t, ours, "a_v0.9.0_linux_amd64.ptar", content)
				to := filepath.Join(filepath.Dir(path), name)
				for _, extension := range []string{"", SumExtension, SignatureExtension} {
					if err := os.Rename(path+extension, to+extension); err != nil {
						t.Fatal(err)
					}
				}
				path = to
			}
			test.change(t, path)
			rules, findings, signer := Trust{Keys: []*PublicKey{public}, Require: true}.judge(t, path)
			raised = append(raised, findings...)
			if !slices.Equal(rules, test.want) || (signer == "ours.pub") != (len(test.want) == 0) {
				t.Errorf("%q, signed by %q; want %q", rules, signer, test.want)
			}
			for _, f := range findings {
				if f.Severity != finding.Error {
					t.Errorf("%v is no error", f)
				}
			}
		})
	}
	findingtest.Raised(t, TrustRules, raised)
	findingtest.Documented(t, TrustRules, "../docs/trust.md", *update)
}

// What is not there is a warning for those who do not require it.
func TestNotRequired(t *testing.T) {
	_, public := pair(t, "ours")
	path := filepath.Join(t.TempDir(), "a")
	put(t, path, "x")
	rules, findings, signer := Trust{Keys: []*PublicKey{public}}.judge(t, path)
	if !slices.Equal(rules, []string{"signature-missing", "sum-missing"}) || finding.HasErrors(findings) || signer != "" {
		t.Errorf("%v, %q", findings, signer)
	}
}

// TestKeyLife follows files through the life of the keys that sign them, as docs/trust.md tells it.
func TestKeyLife(t *testing.T) {
	old, oldPublic := pair(t, "2025")
	next, nextPublic := pair(t, "2026")
	before, after := signed(t, old, "before", "1"), signed(t, next, "after", "2")
	trusts := func(keys ...*PublicKey) Trust { return Trust{Keys: keys, Require: true} }
	expect := func(stage string, trust Trust, path, signer string, want ...string) {
		t.Helper()
		if rules, _, got := trust.judge(t, path); !slices.Equal(rules, want) || got != signer {
			t.Errorf("%s: %s is signed by %q, %q; want %q, %q", stage, path, got, rules, signer, want)
		}
	}
	// While rotating, both count, each for what it has signed.
	expect("rotating", trusts(oldPublic, nextPublic), before, "2025.pub")
	expect("rotating", trusts(nextPublic, oldPublic), after, "2026.pub")
	// The secret half of the old one is lost: what it has signed stays good, new files have the new signature.
	expect("lost", trusts(oldPublic, nextPublic), before, "2025.pub")
	// It is no longer trusted: all that it has signed is refused, whatever else is given.
	expect("distrusted", trusts(nextPublic), before, "", "signature-key")
	// Until the files, looked over, are signed again.
	if _, err := Sign(context.Background(), before, next); err != nil {
		t.Fatal(err)
	}
	expect("signed again", trusts(nextPublic), before, "2026.pub")
	expect("signed again", trusts(oldPublic), before, "", "signature-key")
}

// A sum that is there and wrong is not replaced: it may be the file that is.
func TestSignStaleSum(t *testing.T) {
	key, _ := pair(t, "a")
	path := signed(t, key, "f", "1")
	put(t, path, "2")
	if _, err := Sign(context.Background(), path, key); err == nil {
		t.Error("a file was signed against its sum")
	}
	for _, path := range []string{path + SumExtension, path + SignatureExtension, filepath.Join(filepath.Dir(path), "none"), t.TempDir()} {
		if _, err := Sign(context.Background(), path, key); err == nil {
			t.Errorf("%s was signed", path)
		}
	}
}
