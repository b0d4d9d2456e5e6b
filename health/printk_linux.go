package health

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Severity is a syslog level, as the number in angle brackets before a kmsg line
// (kernel Documentation/ABI/testing/dev-kmsg).
type Severity byte

// The levels that beaminit uses.
const (
	Err     Severity = 3
	Warning Severity = 4
	Notice  Severity = 5
	Info    Severity = 6
)

// facility is LOG_DAEMON (3) in the upper bits of a syslog priority: the kernel
// keeps facility 0 for itself.
const facility = 3 << 3

// The kernel's settings for its log (kernel Documentation/admin-guide/sysctl/kernel.rst).
const (
	printkLevels  = "/proc/sys/kernel/printk"
	printkDevkmsg = "/proc/sys/kernel/printk_devkmsg"
)

// admitKmsg has the kernel take all that is written to /dev/kmsg: as it comes, it takes
// ten lines in five seconds and drops the others without a word, and a lost record is
// taken for a lost node. A command line with printk.devkmsg= keeps its word, whatever is
// written here. limited: it does, and the kernel drops.
func admitKmsg() (limited bool) {
	writeSmall(printkDevkmsg, "on\n")
	return strings.HasPrefix(string(readSmall(printkDevkmsg)), "ratelimit")
}

// visible gives the level for health records under the console log level that
// printk (the text of /proc/sys/kernel/printk) begins with, so that "quiet" does not
// hide them. Below "alert" nothing helps: such a console was meant to be silent.
func visible(printk []byte) Severity {
	if len(printk) < 2 || printk[0] < '0' || printk[0] > '9' || printk[1] >= '0' {
		return Notice
	}
	level := Severity(printk[0] - '0')
	switch {
	case level > Notice:
		return Notice
	case level < 2:
		return 1
	}
	return level - 1
}

// CheckCmdline says what of a kernel command line keeps the node's words from its
// console, and what would be right.
func CheckCmdline(cmdline string) (problems []string) {
	for _, word := range strings.Fields(cmdline) {
		switch word {
		case "printk.devkmsg=off":
			problems = append(problems, word+": the kernel takes no line of beaminit into its log; "+
				"records go to /dev/console, where a line of the kernel may cut them; want printk.devkmsg=on, or none of it")
		case "printk.devkmsg=ratelimit":
			problems = append(problems, word+": the kernel drops what the release says beyond ten lines in five seconds, "+
				"without a word; want printk.devkmsg=on, or none of it")
		case "loglevel=0", "loglevel=1":
			problems = append(problems, word+": the console shows no health record, the node is silent; "+
				"want loglevel=2 or more, or quiet")
		}
	}
	return problems
}

// readSmall reads the beginning of a small file; nil where it cannot.
func readSmall(path string) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var b [128]byte
	n, err := unix.Read(fd, b[:])
	if err != nil || n < 0 {
		return nil
	}
	return b[:n]
}

func writeSmall(path, text string) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	unix.Write(fd, []byte(text))
	unix.Close(fd)
}
