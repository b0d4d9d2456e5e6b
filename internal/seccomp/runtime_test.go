package seccomp

import (
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// notMade are calls that the sources of the Go runtime name, and that none of these children
// makes: of programs with cgo, of the profiler, of other systems, of the very first start
// before there is a list, of the end of a process by a signal, and those with a condition.
var notMade = []string{
	"access", "faccessat", "connect", "socket", "setitimer", "setittimer", "timer_create", "timer_settime", "timer_settime64", "timer_delete", "getrlimit", "ugetrlimit",
	"open", "kill", "set_thread_area", "modify_ldt", "arch_prctl", "clone", "mprotect", "prctl", "pselect6", "select", "newselect", "_newselect",
	"pipe", "epoll_create", "epoll_create1", "epoll_wait", "readlink", "exit", "signalstack",
}

// Each call of the Go runtime is in the list of each processor, by its number there: a list
// that lacks one is the end of a child on that processor alone.
func TestRuntimeCalls(t *testing.T) {
	files := map[string]string{"mipsle": "mipsx", "ppc64le": "ppc64x"}
	for _, arch := range []string{"386", "amd64", "arm", "arm64", "loong64", "mipsle", "ppc64le", "riscv64"} {
		file := files[arch]
		if file == "" {
			file = arch
		}
		allowed := numbersAllowed(t, arch)
		source, err := os.ReadFile(filepath.Join(runtime.GOROOT(), "src/runtime/sys_linux_"+file+".s"))
		if err != nil {
			t.Skip("no sources of the runtime: ", err)
		}
		n := 0
		for _, m := range regexp.MustCompile(`(?m)^#define SYS_(\w+)\s+(?:\(SYS_BASE \+ )?(\d+)`).FindAllStringSubmatch(string(source), -1) {
			number, _ := strconv.Atoi(m[2])
			if n++; !slices.Contains(allowed, number) && !slices.Contains(notMade, m[1]) {
				t.Errorf("%s: the runtime calls %s (%d), which is in no list", arch, m[1], number)
			}
		}
		for _, name := range namesOfFiles(t, arch) {
			number := numbersOf(t, filepath.Join(runtime.GOROOT(), "src/syscall/zsysnum_linux_"+arch+".go"))
			if !slices.Contains(allowed, number[name]) {
				t.Errorf("%s: package syscall calls %s, which is in no list", arch, name)
			}
		}
		if n < 20 {
			t.Errorf("%s: only %d calls found", arch, n)
		}
	}
}

// namesOfFiles are the calls by which package syscall does on a processor what these children
// do with files.
func namesOfFiles(t *testing.T, arch string) (names []string) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(runtime.GOROOT(), "src/syscall/zsyscall_linux_"+arch+".go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"openat", "Stat", "Lstat", "Fstat", "fstatat", "Getdents", "unlinkat", "Ftruncate", "Fsync", "pread", "read", "write", "Close", "fcntl", "EpollWait"} {
		_, body, _ := strings.Cut(string(source), "\nfunc "+f+"(")
		body, _, _ = strings.Cut(body, "\n}")
		if m := regexp.MustCompile(`SYS_\w+`).FindString(body); m != "" {
			names = append(names, m)
		}
	}
	return names
}

// numbersOf are those of all calls of a processor, as a file of Go has them.
func numbersOf(t *testing.T, file string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	number := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\s+(SYS_\w+)\s+= (\d+)`).FindAllStringSubmatch(string(text), -1) {
		number[m[1]], _ = strconv.Atoi(m[2])
	}
	return number
}

// numbersAllowed are those of all calls that the sources name for a processor.
func numbersAllowed(t *testing.T, arch string) (list []int) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Skip("no sources of x/sys: ", err)
	}
	number := numbersOf(t, filepath.Join(strings.TrimSpace(string(dir)), "unix/zsysnum_linux_"+arch+".go"))
	c := build.Default
	c.GOARCH = arch
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if ok, _ := c.MatchFile(".", name); !ok || strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, _ := os.ReadFile(name)
		for _, m := range regexp.MustCompile(`unix\.(SYS_\w+)`).FindAllStringSubmatch(string(source), -1) {
			n, is := number[m[1]]
			if !is {
				t.Errorf("%s: %s has no number on %s", name, m[1], arch)
			}
			list = append(list, n)
		}
	}
	return list
}
