package proc

import (
	"os"
	"testing"
)

func TestResident(t *testing.T) {
	if n := Resident(os.Getpid()); n < 1<<20 || n > 1<<32 {
		t.Errorf("this process has %d bytes in RAM", n)
	}
	if n := Resident(1 << 30); n != 0 {
		t.Errorf("no process has %d bytes", n)
	}
}
