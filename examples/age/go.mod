module github.com/PlakarKorp/kpkg/examples/age

go 1.26.0

require (
	filippo.io/age v1.3.1
	github.com/PlakarKorp/kpkg v0.0.0
)

require (
	filippo.io/hpke v0.4.0 // indirect
	github.com/PlakarKorp/kloset v1.1.4 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/santhosh-tekuri/jsonschema/v5 v5.3.1 // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/mod v0.37.0 // indirect
	golang.org/x/net v0.55.0 // indirect
	golang.org/x/sys v0.46.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)

replace github.com/PlakarKorp/kpkg => ../..
