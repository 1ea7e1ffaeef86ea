package secrets

import "testing"

func TestCut(t *testing.T) {
	var set Set
	if got := set.Cut("anything"); got != "anything" {
		t.Errorf("a set that knows nothing cuts: %q", got)
	}
	set.Learn(map[string]string{
		"password":  "hunter22 and more",
		"location":  "ftp://me:s3same@host/dir",
		"key_file":  "/etc/ftp.key",
		"user":      "plain",
		"api_token": "abc", // too short to cut
	}, "hunter22", "first line\nsecond line\n")
	for text, want := range map[string]string{
		"hunter22 and more":            "***", // not its beginning alone
		"hunter22 and less":            "*** and less",
		"login s3same at /etc/ftp.key": "login *** at /etc/ftp.key",
		"plain abc":                    "plain abc",
		"> second line":                "> ***",
		"first line\nsecond line\n":    "***",
	} {
		if got := set.Cut(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
