package sorted

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestPairs sorts more than is in memory, with keys that come twice.
func TestPairs(t *testing.T) {
	for _, size := range []int{0, 10, 3000} {
		p := New(t.TempDir(), strings.Compare)
		var want []string
		value := make([]byte, 10<<10)
		for i := range size {
			key := fmt.Sprint(rand.IntN(1000))
			stored := append(slices.Clone(value), fmt.Sprint(i)...)
			if err := p.Add(key, stored); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("%s %d", key, i))
		}
		if spilled := len(p.runs) > 2; spilled != (size == 3000) {
			t.Errorf("%d pairs are in %d files", size, len(p.runs))
		}
		slices.SortStableFunc(want, func(a, b string) int {
			return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0])
		})
		var got []string
		for pair, err := range p.All() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, pair.Key+" "+string(pair.Value[len(value):]))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d pairs come out as %d, in another order", size, len(got))
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNoRoom(t *testing.T) {
	p := New(t.TempDir()+"/missing", strings.Compare)
	if err := p.Add("a", make([]byte, pending)); err == nil {
		t.Error("pairs that cannot be written are taken")
	}
}
