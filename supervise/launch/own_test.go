package launch

import (
	"debug/elf"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// probeName is the name under which the test binary tries what somebody would who speaks
// through a child of PID 1, and says what came of it: a line each.
const probeName = "probe"

func probe(args []string) int {
	say := func(what string, err error) {
		var errno syscall.Errno
		errors.As(err, &errno)
		fmt.Println(what + ": " + unix.ErrnoName(errno))
	}
	for _, path := range args[1:] {
		_, err := os.ReadFile(path)
		say("read "+path, err)
		say("write "+path, os.WriteFile(path, []byte("x"), 0o666))
		say("make "+path+".new", os.WriteFile(path+".new", []byte("x"), 0o666))
		say("remove "+path, os.Remove(path))
		say("mkdir "+path+".d", os.Mkdir(path+".d", 0o777))
	}
	say("execute", unix.Exec("/bin/true", []string{"true"}, nil))
	_, err := net.Listen("tcp", "127.0.0.1:0")
	say("listen", err)
	say("signal", unix.Kill(unix.Getppid(), 0))
	say("grow", os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0))
	return 0
}

// A child of PID 1 reaches what its sandbox has, and else nothing that its user could: as
// nobody, and as root without a capability, who owns all files.
func TestSandbox(t *testing.T) {
	if !linkedStatically(t) {
		return
	}
	if abi := LandlockABI(); abi < 6 {
		t.Skipf("Landlock of this kernel has version %d, want 6", abi)
	}
	own, secret := t.TempDir(), t.TempDir()
	for _, tt := range []struct {
		name  string
		user  *syscall.Credential
		box   Sandbox
		mkdir string
	}{
		{"nobody", Nobody(MonitorUID), Sandbox{Write: []string{own}}, "EACCES"},
		{"root", nil, Sandbox{Write: []string{own}}, "EACCES"},
		{"root that makes directories", nil, Sandbox{Make: []string{own}}, ""},
		{"root that makes one that is not there yet", nil, Sandbox{Make: []string{own + "/file.d/deeper"}}, ""},
	} {
		for _, dir := range []string{own, secret} {
			os.Remove(dir + "/file.new")
			os.Remove(dir + "/file.d")
			if err := errors.Join(os.WriteFile(dir+"/file", []byte("x"), 0o666), os.Chmod(dir+"/file", 0o666), os.Chmod(dir, 0o777), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
				t.Fatal(err)
			}
		}
		tt.box.Read = []string{"/proc"}
		c := Command{Path: self, Argv: []string{probeName, own + "/file", secret + "/file"}, Dir: "/", Bounds: Own(tt.user, tt.box)}
		out, said := started(t, c)
		out = strings.NewReplacer(own+"/file", "OWN", secret+"/file", "SECRET").Replace(out)
		want := `read OWN: 
write OWN: 
make OWN.new: 
remove OWN: 
mkdir OWN.d: ` + tt.mkdir + `
read SECRET: EACCES
write SECRET: EACCES
make SECRET.new: EACCES
remove SECRET: EACCES
mkdir SECRET.d: EACCES
execute: EACCES
listen: EACCES
signal: EPERM
grow: EACCES
`
		if out != want || said != "" {
			t.Errorf("%s: %s\n%s\nwant\n%s", tt.name, said, out, want)
		}
	}
}

// What a child is given, by the exec helper, as the kernel tells it: on every thread.
func TestOwn(t *testing.T) {
	if !linkedStatically(t) {
		return
	}
	for _, tt := range []struct {
		name   string
		bounds Bounds
		uid    string
		caps   string
	}{
		{"nobody", Own(Nobody(MonitorUID), Sandbox{}), "65533 65533 65533 65533", "0000000000000000"},
		{"root without a capability", Own(nil, Sandbox{}), "0 0 0 0", "0000000000000000"},
		{"root with one", Own(nil, Sandbox{}, "dac_override"), "0 0 0 0", "0000000000000002"},
		{"the network child", Own(Nobody(MonitorUID), Sandbox{}, "net_admin", "net_raw", "net_bind_service"), "65533 65533 65533 65533", "0000000000003400"},
	} {
		b := tt.bounds
		b.Sandbox.Read = []string{"/"}
		out, said := started(t, Command{Path: self, Argv: []string{"threads"}, Dir: "/", Bounds: b})
		if said != "" {
			t.Errorf("%s: it says %s", tt.name, said)
		}
		threads := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
		if len(threads) < 3 {
			t.Errorf("%s: %d threads", tt.name, len(threads))
		}
		for _, text := range threads {
			got := fieldsOf(text)
			for name, want := range map[string]string{
				"Uid": tt.uid, "CapPrm": tt.caps, "CapEff": tt.caps, "CapBnd": tt.caps, "NoNewPrivs": "1",
				"Max core file size": "0 0", "Max file size": "0 0", "Max open files": "256 256", "Max data size": "268435456 268435456",
			} {
				if got[name] != want {
					t.Errorf("%s: %s is %q, want %q", tt.name, name, got[name], want)
				}
			}
		}
	}
}

// showThreads prints what the kernel says of each thread, with a 0 behind each.
func showThreads() int {
	tasks, _ := filepath.Glob("/proc/self/task/*")
	for _, task := range tasks {
		status, _ := os.ReadFile(task + "/status")
		limits, _ := os.ReadFile(task + "/limits")
		fmt.Printf("%s%s\x00", status, limits)
	}
	return 0
}

// linkedStatically runs the test in a binary that is linked as beaminit is, where this one
// is not: a sandbox has no dynamic linker to execute. false: that was done.
func linkedStatically(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	f, err := elf.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return true
	}
	binary := filepath.Join(t.TempDir(), "static.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(binary, "-test.run=^"+t.Name()+"$", "-test.v").CombinedOutput()
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("%s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}
