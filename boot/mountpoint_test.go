package boot

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mount(2) says ENOENT of a device that is not there, and of a file system that finds no
// module of its own: ext4 that is built in, and crc32c, which is not.
func TestNoEntryIsTold(t *testing.T) {
	for source, want := range map[string]string{
		"/dev/no-such-disk": ": /dev/no-such-disk is not there",
		"/dev/null":         ": the kernel lacks a module that ext4 needs (its log says which): name it in kernel.modules",
	} {
		err := explain(&Mount{Source: source, Target: "/data", Type: "ext4"}, unix.ENOENT)
		if !strings.HasSuffix(err.Error(), "no such file or directory"+want) {
			t.Errorf("of %s it says %q, want %q at its end", source, err, want)
		}
	}
}
