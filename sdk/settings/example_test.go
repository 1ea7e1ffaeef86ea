package settings_test

import (
	"fmt"

	"github.com/PlakarKorp/kpkg/sdk/settings"
)

// The schema is the file that the manifest names as the connector's validator: a program embeds it.
func ExampleDecode() {
	schema := []byte(`{"type": "object", "required": ["user"], "properties": {
		"user": {"type": "string"},
		"port": {"type": "integer", "minimum": 1, "default": 21}
	}}`)
	var config struct {
		User string
		Port int
	}
	fmt.Println(settings.Decode(schema, map[string]string{"user": "joe"}, &config), config.Port)
	fmt.Println(settings.Decode(schema, map[string]string{"port": "many"}, &config))
	// Output:
	// <nil> 21
	// port is no integer; user is required
}
