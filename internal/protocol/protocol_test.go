// Package protocol holds the messages of this folder to what docs/protocol.md says.
package protocol

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/PlakarKorp/kpkg/internal/protocol/inventory"
	"github.com/PlakarKorp/kpkg/internal/protocol/secretprovider"
)

var goPackage = regexp.MustCompile(`option go_package = .*\n\n`)

// TestPage compares the page's text with what the code is generated from, and that with the code.
func TestPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name, generated := range map[string]protoreflect.FileDescriptor{
		"secretprovider/secret_provider.proto": secretprovider.File_secret_provider_proto,
		"inventory/inventory.proto":            inventory.File_inventory_proto,
	} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := goPackage.ReplaceAllString(string(source), "")
		if !strings.Contains(string(page), "```proto protoc\n"+text+"```") {
			t.Errorf("docs/protocol.md does not have the text of %s", name)
		}
		for i := range generated.Messages().Len() {
			message := generated.Messages().Get(i)
			_, body, found := strings.Cut(text, "message "+string(message.Name())+" {")
			body, _, _ = strings.Cut(body, "}")
			fields := regexp.MustCompile(`(?m)^.* (\w+) = (\d+);`).FindAllStringSubmatch(body, -1)
			if !found || len(fields) != message.Fields().Len() {
				t.Errorf("%s: generate %s again", name, message.Name())
				continue
			}
			for j, field := range fields {
				its := message.Fields().Get(j)
				if string(its.Name()) != field[1] || field[2] != fmt.Sprint(its.Number()) {
					t.Errorf("%s: generate %s again for %s", name, message.Name(), field[1])
				}
			}
		}
	}
}
