package proc

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestDescribe(t *testing.T) {
	tests := []struct {
		status unix.WaitStatus
		want   string
	}{
		{0, "exit status 0"},
		{1 << 8, "exit status 1"},
		{9, "killed by signal 9 (SIGKILL)"},
		{6 | 0x80, "killed by signal 6 (SIGABRT), core dumped"},
		{64, "killed by signal 64"},
	}
	for _, tt := range tests {
		if got := Describe(tt.status); got != tt.want {
			t.Errorf("%#x: got %q, want %q", tt.status, got, tt.want)
		}
	}
}
