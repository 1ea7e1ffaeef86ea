// Command modules is a program of several modules, for the test of their sizes.
package main

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

func main() {
	var value any
	fmt.Println(yaml.Unmarshal([]byte("a: 1"), &value), value)
}
