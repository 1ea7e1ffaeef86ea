package ptarread

import "testing"

// KeepInMemory makes archives of more blobs keep their index on disk until the test ends.
func KeepInMemory(t testing.TB, blobs int) {
	before := maxBlobsInMemory
	maxBlobsInMemory = blobs
	t.Cleanup(func() { maxBlobsInMemory = before })
}
