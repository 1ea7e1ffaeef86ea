// Command ageSecrets serves the secrets of an age-encrypted file to plakar.
package main

import (
	"github.com/PlakarKorp/kpkg/examples/age/provider"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() { sdk.RunSecretProvider(provider.New) }
