package proc

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A process below the test is told from one beside it.
func TestDescends(t *testing.T) {
	self, above := unix.Getpid(), unix.Getppid()
	if !Descends(self, above) || !Descends(self, self) || Descends(above, self) || Descends(1<<30, self) {
		t.Error("who Descends from whom?")
	}
}
