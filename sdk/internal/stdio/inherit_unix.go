//go:build unix

package stdio

import "github.com/PlakarKorp/kpkg/sdk/internal/claim"

// inherit does nothing: child processes get the descriptors, which have been replaced.
func inherit() error { return nil }

func release() { claim.Release() }
