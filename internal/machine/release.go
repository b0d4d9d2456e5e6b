package machine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/health"
)

// WithERTS is a spec of a machine that has the demo release, the libraries that
// its ERTS is linked with, and no program besides.
func WithERTS(t testing.TB, cmdline, toml string) Spec {
	t.Helper()
	bind := map[string]string{"srv/erlang": made(t, "systools"), "lib": "/lib", "usr/lib": "/usr/lib"}
	if _, err := os.Stat("/lib64"); err == nil {
		bind["lib64"] = "/lib64"
	}
	return Spec{
		Cmdline: cmdline, TOML: toml + "\n[health]\ninterval = \"1s\"\nprobe_timeout = \"1s\"\n",
		Bind: bind, Files: map[string]string{"data/cookie": "namespace-cookie"},
	}
}

// VM is the process of the machine's VM, by its number on the machine that tests.
func (m *Machine) VM() int { return m.Child("beam.smp") }

// Child is the child of PID 1 with this name (proc(5), comm).
func (m *Machine) Child(comm string) int {
	m.T.Helper()
	pid := m.Has(comm)
	if pid == 0 {
		m.T.Fatalf("no %s below PID 1\n%s", comm, m.Tail())
	}
	return pid
}

// Has is that child, 0 where there is none.
func (m *Machine) Has(comm string) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		head, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if strings.HasSuffix(head, "("+comm) && len(fields) > 1 && fields[1] == strconv.Itoa(m.PID()) {
			pid, _ := strconv.Atoi(strings.Fields(head)[0])
			return pid
		}
	}
	return 0
}

func (m *Machine) Restarted(n, from int) (health.Record, int) {
	m.T.Helper()
	return m.Record(fmt.Sprintf("up with restarts=%d", n), from, func(r health.Record) bool {
		return r.Restarts == n && (r.State == health.Up || r.State == health.Degraded)
	})
}

// StormQuietly is storm for another goroutine.
func (m *Machine) StormQuietly(n int) error {
	return exec.Command("nsenter", "-p", "-t", strconv.Itoa(m.PID()), "sh", "-c", StormScript(n)).Run()
}

// Release gives the directory of a release by its name: relx/own, mix/plain, systools,
// or the name of one with files of its own: relx/own+eclero. Those of newer/ are made by
// a newer OTP (make NEWER=SUITE, of Debian).
func Release(t testing.TB, name string) string {
	t.Helper()
	name, other, changed := strings.Cut(name, "+")
	kind, which := "systools", ""
	newer := strings.HasPrefix(name, "newer/")
	if rest := strings.TrimPrefix(name, "newer/"); rest != kind {
		kind, which, _ = strings.Cut(rest, "/")
		which = filepath.Join(map[string]string{"relx": "_build/default/rel", "mix": "_build/prod/rel"}[kind], which)
	}
	where := ""
	if newer {
		where = newerDir
	}
	dir := filepath.Join(made(t, filepath.Join(where, kind)), which)
	if !changed {
		return dir
	}
	to := t.TempDir()
	if newer { // below it, so that the machine gets its C library
		var err error
		if to, err = os.MkdirTemp(made(t, newerDir), "changed"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(to) })
	}
	return ChangedRelease(t, dir, filepath.Join(to, other), other)
}

// ChangedRelease is a release with the files of testdata/kinds/NAME in its version.
func ChangedRelease(t testing.TB, dir, to, name string) string {
	t.Helper()
	if text, err := exec.Command("cp", "-r", dir, to).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	script := "cp " + filepath.Join(made(t, "kinds"), name) + "/* releases/[0-9]*"
	if name == "moved" { // one directory down, beside an older version and an older ERTS
		script = "mkdir birds && mv bin erts-* lib releases birds && cd birds && cp -r releases/0.10.0 releases/0.9.0 && " +
			"cp -r erts-* erts-9.0 && rm releases/start_erl.data releases/0.9.0/sys.config erts-9.0/bin/beam.smp"
	}
	if text, err := exec.Command("sh", "-c", "cd "+to+" && "+script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return to
}

// WithRelease is a spec of a machine with another release than the demo.
func WithRelease(t testing.TB, dir, cmdline, toml string) Spec {
	t.Helper()
	s := WithERTS(t, cmdline, toml)
	s.Bind["srv/erlang"] = dir
	s.bindNewer(t, dir)
	return s
}

// Alone wants no process of a shell on the machine, and nothing that could be one.
func (m *Machine) Alone() {
	m.T.Helper()
	for _, name := range []string{"bin/sh", "usr/bin/sh", "bin/busybox"} {
		if _, err := os.Stat(filepath.Join(m.Root, name)); err == nil {
			m.T.Errorf("there is a %s", name)
		}
	}
	if n := m.Count("Read-only file system") + m.Count("erofs"); n > 0 {
		m.T.Errorf("something was to be written to the root:\n%s", m.Tail())
	}
}

// newerDir has the releases that the newer OTP makes.
const newerDir = "newer"

// bindNewer gives a machine the C library that the newer OTP is linked with, where its
// release has that OTP.
func (s *Spec) bindNewer(t testing.TB, release string) {
	t.Helper()
	newer := made(t, newerDir)
	if !strings.HasPrefix(release, newer+"/") {
		return
	}
	root, err := filepath.EvalSymlinks(newer + "/root") // with the C library that it is linked with
	if err != nil {
		t.Fatal(err)
	}
	s.Bind["lib"], s.Bind["usr/lib"], s.Bind["lib64"] = root+"/usr/lib", root+"/usr/lib", root+"/usr/lib64"
}
