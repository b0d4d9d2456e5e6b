package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"

	"golang.org/x/sys/unix"
)

// layOut makes the machine's root, and the files by which enter knows what it is to do.
func (m *Machine) layOut(s Spec) {
	m.T.Helper()
	for _, d := range append([]string{"proc", "sys", "dev", "run", "tmp", "etc", "sbin", "srv", "data", "root", "lib", "usr"}, s.Dirs...) {
		m.Must(os.MkdirAll(filepath.Join(m.Root, d), 0o755))
	}
	m.File("etc/beaminit.toml", s.TOML)
	m.File("etc/hosts", "")
	m.File("cmdline", s.Cmdline+"\n")
	m.File("args", strings.Join(s.Args, "\n"))
	if !s.Writable {
		m.File("read-only", "")
	}
	if s.Blocked {
		m.File("blocked", "")
	}
	for name, text := range s.Files {
		m.File(name, text)
	}
	for name, to := range s.Links {
		m.Must(os.MkdirAll(filepath.Join(m.Root, filepath.Dir(name)), 0o755))
		m.Must(os.Symlink(to, filepath.Join(m.Root, name)))
	}
	for name, from := range s.Programs {
		m.copy(from, name)
	}
	binds := ""
	for to, from := range s.Bind {
		m.Must(os.MkdirAll(filepath.Join(m.Root, to), 0o755))
		binds += from + " " + to + "\n"
	}
	m.File("binds", binds)
	var mounts []string
	for dir, options := range s.Tmpfs {
		mounts = append(mounts, dir+" "+options)
	}
	slices.Sort(mounts) // one that is in another comes behind it
	m.File("tmpfs", strings.Join(mounts, "\n"))
	ttys := ""
	for name, from := range s.TTYs {
		ttys += from + " " + name + "\n"
	}
	m.File("ttys", ttys)
	for _, name := range s.FIFOs {
		m.Must(unix.Mkfifo(filepath.Join(m.Root, name), 0o600))
	}
	m.File("dead", strings.Join(s.Dead, "\n"))
}

// copy gives the machine a program of the machine that tests.
func (m *Machine) copy(from, name string) {
	m.T.Helper()
	data, err := os.ReadFile(from)
	m.Must(err)
	m.File(name, string(data))
	m.Must(os.Chmod(filepath.Join(m.Root, name), 0o755))
}

// File writes a file of the machine, from outside.
func (m *Machine) File(name, text string) {
	m.T.Helper()
	path := filepath.Join(m.Root, name)
	m.Must(os.MkdirAll(filepath.Dir(path), 0o755))
	m.Must(nstest.WriteFile(path, []byte(text), 0o644))
}

// WriteFile writes a file of a root that is made for a test, with its directories.
func WriteFile(t testing.TB, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = nstest.WriteFile(path, []byte(text), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
