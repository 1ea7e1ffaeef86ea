package try

import "testing"

func TestIsOwn(t *testing.T) {
	for _, test := range []struct {
		own, name string
		want      bool
	}{
		{"", "/", false}, {"", "/source/a", false}, // a store on a server
		{"/source/store", "/source/store", true}, {"/source/store", "/source/store/CONFIG", true},
		{"/source/store", "/source", false}, {"/source/store", "/source/stored", false},
	} {
		if w := (&writing{own: test.own}); w.isOwn(test.name) != test.want {
			t.Errorf("own %q, %s: %v", test.own, test.name, !test.want)
		}
	}
}
