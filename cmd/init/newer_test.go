package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/beaminit/beaminit/health"
	"golang.org/x/sys/unix"
)

// newerSuite is the Debian whose Erlang/OTP is the newer one. make newer-otp NEWER=SUITE
// puts it into newerRoot, with its own C library (see testdata/newer-otp.sh).
var newerSuite = flag.String("newer", "trixie", "the Debian of the newer Erlang/OTP")

func newerRoot() string { return "../../build/otp-" + *newerSuite }

// newer gives the directory of all releases, made by that OTP; "" where it is not there.
var newer = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs(newerRoot())
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(root + "/usr/bin/erl"); err != nil || os.Geteuid() != 0 {
		return "", nil
	}
	dir := filepath.Join(filepath.Dir(binary), "newer")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	script := `cp -r testdata/kinds/relx testdata/kinds/mix ../../qemu/demo "$DIR" && mkdir "$DIR/systools" &&
mount --rbind /dev "$ROOT/dev" && mount -t proc proc "$ROOT/proc" && mount --bind "$DIR" "$ROOT/tmp" && exec chroot "$ROOT" sh -c '
set -e; cd /tmp/relx; rebar3 release --all
cd /tmp/mix; mix do compile + run --no-start -e "for r <- ~w(plain runtime reboot), do: Mix.Task.rerun(\"release\", [r, \"--quiet\"])"
cd /tmp/demo; escript build.escript eclero /tmp/systools'`
	cmd := exec.Command("unshare", "-m", "sh", "-c", script)
	cmd.Env = []string{"ROOT=" + root, "DIR=" + dir, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LANG=C.UTF-8",
		"MIX_ENV=prod", "HEX_OFFLINE=1", "REBAR_OFFLINE=1"}
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("releases by the newer OTP: %w\n%s", err, text)
	}
	return dir, nil
})

// newerRelease is a release made by the newer OTP: relx/own, mix/plain, systools.
func newerRelease(t testing.TB, name string) string {
	t.Helper()
	dir, err := newer()
	switch {
	case err != nil:
		t.Fatal(err)
	case dir == "" && os.Getenv("CI") != "":
		t.Fatal("no " + newerRoot() + ": make newer-otp fetches it, from Debian, and root is needed")
	case dir == "":
		t.Skip("no " + newerRoot() + ": want make newer-otp, and root")
	}
	kind, which, _ := strings.Cut(name, "/")
	switch kind {
	case "relx":
		return filepath.Join(dir, "relx/_build/default/rel", which)
	case "mix":
		return filepath.Join(dir, "mix/_build/prod/rel", which)
	}
	return filepath.Join(dir, "systools")
}

// bindNewer gives a machine the C library that the newer OTP is linked with, where its
// release has that OTP.
func (s *spec) bindNewer(t testing.TB, release string) {
	t.Helper()
	if dir, _ := newer(); dir == "" || !strings.HasPrefix(release, dir+"/") {
		return
	}
	root, err := filepath.Abs(newerRoot())
	if err != nil {
		t.Fatal(err)
	}
	s.bind["lib"], s.bind["usr/lib"], s.bind["lib64"] = root+"/usr/lib", root+"/usr/lib", root+"/usr/lib64"
}

// The heart of beaminit beats for a newer OTP as well, and its crash dump is read.
func TestNewerHeart(t *testing.T) {
	t.Parallel()
	s := withRelease(t, newerRelease(t, "relx/own"), "hostname=n1", "[release]\nargs = [\"-heart\"]\n")
	s.links = map[string]string{"bin/sh": "/sbin/init"}
	m := power(t, s)
	_, next := m.state(health.Up, 0)
	m.want(0, "program_name=beaminit", "rpc", "heart", "get_cmd")
	m.want(1, "bird@n1 went away", "rpc", "erlang", "halt", `["the end of it"]`)
	r, next := m.state(health.Down, next)
	if !strings.Contains(r.Why, "the end of it") {
		t.Errorf("why=%q", r.Why)
	}
	m.restarted(1, next)
	m.signal(unix.SIGTERM)
	m.line("the release ended: exit status 0")
	if got := m.ended(); got != unix.SIGHUP {
		t.Errorf("the kernel ended it with %v, want a reboot", got)
	}
}
