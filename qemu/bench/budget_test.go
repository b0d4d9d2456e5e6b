package bench

import (
	"testing"

	"github.com/beaminit/beaminit/qemu/image"
)

// boots is how many there are at most until one is within Today: what the machine of the tests
// does beside it comes on top of the count as timers of the guest, up to a twentieth.
const boots = 9

// The init of this repository costs no more than Today.
func TestBudget(t *testing.T) {
	init, err := image.BuildInit("../..", "")
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := image.FindKernel("")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("..") // where Build finds the sources of its tools
	tools, _, err := Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var got Result
	for i := 0; i < boots && (i == 0 || got.Instructions > Today.Instructions); i++ {
		if got, err = Run(t.Context(), init, tools, kernel); err != nil {
			t.Fatal(err)
		}
		t.Logf("%.2f M instructions, %d bytes, PSS %d bytes", float64(got.Instructions)/1e6, got.Size, got.PSS)
	}
	for _, c := range []struct {
		what      string
		got, most int
	}{
		{"instructions until the exec of ERTS", got.Instructions, Today.Instructions},
		{"bytes of the binary", got.Size, Today.Size},
		{"bytes of PSS of PID 1", got.PSS, Today.PSS},
	} {
		if c.got <= 0 || c.got > c.most {
			t.Errorf("%d %s, want at most %d", c.got, c.what, c.most)
		}
	}
}
