package connector

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/minio/minio-go/v7"
)

// account is what a configuration names: a prefix in a bucket of a server, and who asks for it.
type account struct {
	endpoint string // host[:port], as the location names it
	bucket   string
	prefix   string // "" or with a / at its end

	source                 string // of credentials: "config", "environment" or "anonymous"
	accessKey, secret, tok string

	region string
	plain  bool // no TLS
	caFile string
	lookup minio.BucketLookupType
}

var regionForm = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// newAccount reads the settings of schema.json. A location is shown, logged and stored in snapshots, so a key inside it is
// refused, and no error repeats it.
func newAccount(proto string, config map[string]string) (account, error) {
	location, err := url.Parse(config["location"])
	// The error of url.Parse quotes what it failed on, which may be a secret.
	if err != nil || location.Scheme != proto || location.Hostname() == "" {
		return account{}, fmt.Errorf("location is not %s://HOST[:PORT]/BUCKET[/PREFIX]", proto)
	}
	if location.User != nil {
		return account{}, errors.New("location holds a key: give it as access_key=... and secret_access_key=... instead")
	}
	if location.RawQuery != "" || location.Fragment != "" {
		return account{}, errors.New("location has a ? or a #: write %3F or %23 in its prefix")
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(location.Path, "/"), "/")
	if bucket == "" {
		return account{}, errors.New("location names no bucket: give " + proto + "://HOST[:PORT]/BUCKET[/PREFIX]")
	}
	if prefix = strings.TrimSuffix(prefix, "/"); prefix != "" {
		if err := checkKey(prefix); err != nil {
			return account{}, fmt.Errorf("the prefix of the location: %w", err)
		}
		prefix += "/"
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if config[key] == "" { // a variable that is not set, perhaps
			return account{}, fmt.Errorf("%s is empty: leave it out, or say what it is", key)
		}
	}
	a := account{
		endpoint: location.Host, bucket: bucket, prefix: prefix,
		source:    cmp.Or(config["credentials"], "config"),
		accessKey: config["access_key"], secret: config["secret_access_key"], tok: config["session_token"],
		region: config["region"], caFile: config["ca_file"],
	}
	tls, tlsErr := truth(config, "use_tls", true)
	a.plain = !tls
	path, pathErr := truth(config, "path_style", false)
	switch {
	case config["path_style"] == "":
		a.lookup = minio.BucketLookupAuto
	case path:
		a.lookup = minio.BucketLookupPath
	default:
		a.lookup = minio.BucketLookupDNS
	}
	if a.region != "" && !regionForm.MatchString(a.region) {
		err = errors.New("region is none: one has letters, digits and -, as eu-west-1")
	}
	return a, errors.Join(tlsErr, pathErr, err)
}

// truth reads a setting that is true or false.
func truth(config map[string]string, key string, otherwise bool) (bool, error) {
	switch value, given := config[key]; {
	case !given:
		return otherwise, nil
	case value == "true", value == "false":
		return value == "true", nil
	}
	return false, fmt.Errorf("%s is neither true nor false", key)
}

// checkKey refuses keys that are no path: what a server keeps under them cannot be told from something else once it is.
func checkKey(key string) error {
	if !utf8.ValidString(key) {
		return errors.New("it is not UTF-8")
	}
	if strings.ContainsRune(key, 0) {
		return errors.New("it holds a NUL")
	}
	for part := range strings.SplitSeq(key, "/") {
		switch part {
		case "":
			return errors.New("it has a / with no name before or after it")
		case ".", "..":
			return fmt.Errorf("it has a part %q", part)
		}
	}
	return nil
}
