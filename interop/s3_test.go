package interop

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

func startS3Server(t *testing.T) *rig.S3Server {
	t.Helper()
	program, err := s3Program()
	if err != nil {
		t.Fatal(err)
	}
	server, err := rig.StartS3Server(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// TestS3 carries a tree of local files to a store in a bucket, from there into a bucket, and from there back, byte for byte and with
// permissions and times, without plakar. kpkg test has nothing against any of the three connectors.
func TestS3(t *testing.T) {
	t.Parallel()
	server := startS3Server(t)
	pkg, err := packages.s3()
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return "s3://" + server.Address + "/" + name }
	run := func(args ...string) {
		t.Helper()
		result, err := rig.Run(t.Context(), tools.Kpkg, args...)
		if err != nil || result.Status != 0 {
			t.Fatal(err, result)
		}
	}
	keeping := append([]string{"--store", pkg}, server.Settings("--store-config")...)
	tree, back, data := writeTree(t), filepath.Join(t.TempDir(), "back"), filepath.Join(t.TempDir(), "data.ptar")
	removeLinks(t, tree)
	run(append([]string{"try", "backup", packages.fs, "fis://" + tree, at("bucket/store")}, keeping...)...)
	restore := append([]string{"try", "restore", pkg, at("bucket/restored"), at("bucket/store")}, server.Settings("")...)
	run(append(restore, keeping...)...)
	run(append([]string{"try", "backup", pkg, at("bucket/restored"), "-o", data}, server.Settings("")...)...)
	run("try", "restore", packages.fs, "fis://"+back, data)
	wantEqual(t, tree, back)

	// What others have put there has no folders, not even that of the location.
	if err := os.CopyFS(filepath.Join(server.Buckets, "bucket", "others"), os.DirFS(smallTree(t, 0))); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		others := filepath.Join(t.TempDir(), fmt.Sprint(i, ".ptar"))
		run(append([]string{"try", "backup", pkg, at("bucket/others"), "-o", others}, server.Settings("")...)...)
	}

	var tests sync.WaitGroup
	for _, connector := range []string{"importer", "exporter", "storage"} {
		location := at("bucket/test-" + connector)
		if connector == "importer" {
			location = at("bucket/restored")
		}
		test := append([]string{"test", pkg, "--connector", connector + ":s3", "--config", "location=" + location},
			server.Settings("--config")...)
		tests.Go(func() {
			result, err := rig.Run(t.Context(), tools.Kpkg, test...)
			if err != nil || result.Status != 0 || !strings.Contains(result.Stdout, " 0 failed") {
				t.Error(err, result)
			}
		})
	}
	tests.Wait()
	if left := uploadsLeft(t, server); len(left) > 0 {
		t.Errorf("parts of uploads are left: %q", left)
	}

	for name, test := range map[string]struct{ location, setting, want string }{
		"another secret":   {at("bucket"), "secret_access_key=another", "secret_access_key is not the access key's"},
		"an unknown key":   {at("bucket"), "access_key=another", "the server does not know the access key"},
		"no such bucket":   {at("nowhere"), "region=us-east-1", "there is no bucket nowhere"},
		"no such prefix":   {at("bucket/nowhere"), "region=us-east-1", "there is nothing at /bucket/nowhere"},
		"no TLS":           {at("bucket"), "use_tls=false", "if it speaks TLS, leave use_tls=false out"},
		"another's signer": {at("bucket"), "ca_file=" + otherCA(t), "give who has as ca_file"},
	} {
		args := []string{"try", "backup", pkg, test.location, "-o", filepath.Join(t.TempDir(), "no.ptar")}
		for _, setting := range server.Settings("") {
			if key, _, _ := strings.Cut(setting, "="); !strings.HasPrefix(test.setting, key+"=") {
				args = append(args, setting)
			}
		}
		result, err := rig.Run(t.Context(), tools.Kpkg, append(args, test.setting)...)
		if err != nil || result.Status != 3 || !strings.Contains(result.Stderr, test.want) {
			t.Errorf("%s: %v, %v, want %q", name, err, result, test.want)
		}
	}
}

// removeLinks leaves in a tree what a bucket can hold. Folders keep their times.
func removeLinks(t *testing.T, dir string) {
	t.Helper()
	times := map[string]time.Time{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			return os.Remove(name)
		}
		info, err := entry.Info()
		if err == nil && entry.IsDir() {
			times[name] = info.ModTime()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, modified := range times {
		if err := os.Chtimes(name, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
}

// uploadsLeft are the files of parts that have not become objects. The gateway keeps them beside the objects.
func uploadsLeft(t *testing.T, server *rig.S3Server) []string {
	t.Helper()
	var left []string
	err := filepath.WalkDir(server.Buckets, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.Contains(name, "/.sgwtmp/") {
			left = append(left, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// otherCA is the file of an authority that has signed nothing of ours.
func otherCA(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "other.pem")
	if err := rig.WriteCertificate(file, filepath.Join(t.TempDir(), "key.pem")); err != nil {
		t.Fatal(err)
	}
	return file
}
