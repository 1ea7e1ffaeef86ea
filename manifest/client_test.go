package manifest

import "testing"

func TestFindClient(t *testing.T) {
	for version, want := range map[string]string{
		"v1.1.4": "v1.1", "v1.1.0": "v1.1", "v1.1": "v1.1", "v1.0.6": "v1.0", "next": "next", "v1.1.5": "", "v2.0.0": "", "1.1.4": "", "": "", "x": "",
	} {
		client, err := FindClient(version)
		if client.Name != want || (err == nil) != (want != "") {
			t.Errorf("%q is a client of line %q, %v; want %q", version, client.Name, err, want)
		}
	}
}

// TestClientsKnowTheSchema holds that what a client skips or refuses is something that the schema has.
func TestClientsKnowTheSchema(t *testing.T) {
	document := schemaDocument()
	known := map[string]bool{}
	for _, path := range [][]string{{"type", "enum"}, {"subclass", "enum"}, {"location_flags", "items", "enum"}} {
		_, values := follow(document, append([]string{"$defs", "connector", "properties"}, path...))
		for _, value := range texts(values) {
			known[value] = true
		}
	}
	for _, c := range Clients() {
		for _, names := range [][]string{c.types, c.refusedFlags, c.refusedSubclasses} {
			for _, name := range names {
				if !known[name] {
					t.Errorf("%s: the schema does not know %q", c, name)
				}
			}
		}
	}
}
