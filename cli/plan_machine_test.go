package cli_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"
)

var update = flag.Bool("update", false, "write the golden files anew")

// image makes the root of an image: an /etc/beaminit.toml and files, all empty but
// for those with a text.
func image(t *testing.T, toml string, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	const dir = "srv/erlang/"
	for _, program := range []string{"erlexec", "beam.smp", "erl_child_setup", "inet_gethost"} {
		path := filepath.Join(root, dir, "erts-13.1.5/bin", program)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		machine.CopyInit(t, path)
	}
	for _, name := range []string{
		dir + "releases/1.0.0/start.boot", dir + "releases/1.0.0/sys.config", dir + "lib/kernel-8.5.3/ebin/kernel.app",
	} {
		if _, given := files[name]; !given {
			text := ""
			if strings.HasSuffix(name, ".boot") {
				text = "\x83k\x00\x1b$ROOT/lib/kernel-8.5.3/ebin"
			}
			machine.WriteFile(t, filepath.Join(root, name), text)
		}
	}
	for name, text := range files {
		machine.WriteFile(t, filepath.Join(root, name), text)
	}
	machine.WriteFile(t, filepath.Join(root, "etc/beaminit.toml"), toml)
	return root
}

const planTOML = `[peers]
eclero6 = "192.168.7.6"
eclero8 = "192.168.7.8"
[distribution]
name = "eclero"
cookie_file = "/data/cookie"
[[mount]]
source = "/dev/vdb"
target = "/data"
type = "ext4"
options = ["noatime", "nosuid", "nodev"]
`

const planCmdline = "ip=192.168.7.6::192.168.7.1:255.255.255.0:eclero6:eth0:off beaminit.distribution.port=17013"

// The whole plan of a node, as a person reads it and as a program does.
func TestPlan(t *testing.T) {
	t.Parallel()
	root := image(t, planTOML, nil)
	out, err := exec.Command(machine.Init(t), "plan", "--root", root, "--cmdline", planCmdline).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	golden := "testdata/plan.golden"
	if *update {
		machine.WriteFile(t, golden, string(out))
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(out) != string(want) {
		t.Errorf("not as in %s (%v); got\n%s", golden, err, out)
	}
	out, err = exec.Command(machine.Init(t), "plan", "--json", "--root="+root, "--cmdline="+planCmdline).Output()
	var plan map[string][]string
	if err != nil || json.Unmarshal(out, &plan) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := plan["targets"]; len(got) != 1 || got[0] != "/data" {
		t.Errorf("targets: %q", got)
	}
	out, err = exec.Command(machine.Init(t), "plan", "--all", "--root", root, "--cmdline", planCmdline).Output()
	if line := "release.user = \"root\""; err != nil || !strings.Contains(string(out), line) || strings.Contains(string(want), line) {
		t.Errorf("%v; want %s with --all alone, got\n%s", err, line, out)
	}
	if got := plan["node"]; len(got) != 1 || got[0] != "eclero@eclero6" {
		t.Errorf("node: %q", got)
	}
}

// The plan has the cgroups, and check names a word that is none.
func TestPlanOfCgroups(t *testing.T) {
	t.Parallel()
	root := image(t, planTOML+`[release]
cgroup = ["memory.max=256M", "pids.max=200"]
[[service]]
name = "a"
exec = ["/sbin/init"]
cgroup = ["cpu.weight=50"]
[[service]]
name = "b"
exec = ["/sbin/init"]
`, nil)
	out, err := exec.Command(machine.Init(t), "plan", "--root", root, "--cmdline", planCmdline).CombinedOutput()
	want := "cgroups:\n  /sys/fs/cgroup/release: memory.max=256M, pids.max=200\n  /sys/fs/cgroup/service.a: cpu.weight=50\n\n"
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v; want %q in\n%s", err, want, out)
	}
	out, _ = exec.Command(machine.Init(t), "check", "--root", root, "--cmdline", planCmdline+" beaminit.release.cgroup=memory.maks=1M").CombinedOutput()
	if want := `kernel command line: release.cgroup: "memory.maks" is no file of a cgroup that can be set; did you mean memory.max?; want one of `; !strings.Contains(string(out), want) {
		t.Errorf("want %q in\n%s", want, out)
	}
}

// check names what the kernel could not execute, and users that the image has not.
func TestCheckOfServices(t *testing.T) {
	t.Parallel()
	files := map[string]string{"usr/bin/good": "#!/sbin/init -x\n", "usr/bin/dir/x": "", "usr/bin/text": "echo hello\n", "usr/bin/empty": "", "usr/bin/script": "#! /usr/bin/none -e\n",
		"sbin/init": "", "etc/passwd": "root:x:0:0::/:\n", "etc/group": "root:x:0:\n"}
	toml := planTOML + "[update]\nreject = [\"/usr/bin/dir\"]\n"
	for _, s := range [][2]string{{"good", ""}, {"dir", ""}, {"text", ""}, {"empty", ""}, {"script", ""}, {"good", "user = \"nobody9\""}, {"good", "group = \"nobody9\""}, {"good", "user = \"65533\""}} {
		toml += fmt.Sprintf("[[service]]\nname = \"s%d\"\nexec = [\"/usr/bin/%s\"]\n%s\n", len(toml), s[0], s[1])
	}
	root := image(t, toml, files)
	for name := range files {
		if err := os.Chmod(root+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := exec.Command(machine.Init(t), "check", "--root", root, "--cmdline", planCmdline).CombinedOutput()
	for _, want := range []string{
		": update.reject: /usr/bin/dir: it is no file; want a program of the image\n",
		": service: /usr/bin/dir: it is no file; want a program of the image\n",
		": service: /usr/bin/text: exec format error: no #! in its first line; want a program of the image\n",
		": service: /usr/bin/empty: exec format error: no #! in its first line; want a program of the image\n",
		": service: /usr/bin/script: its interpreter /usr/bin/none: no such file or directory; want a program of the image\n",
		`: no user "nobody9" in /etc/passwd; want another one`,
		`: no group "nobody9" in /etc/group; want another one`,
		": user 65533 (uid 65533, gid 65533, groups 65533) is one of PID 1's own children; want another one\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "/usr/bin/good") {
		t.Errorf("it complains of a good one:\n%s", out)
	}
}

// The plan says what becomes of a system on trial, and check which programs for it are not there.
func TestPlanOfAnUpdate(t *testing.T) {
	t.Parallel()
	toml := planTOML + "[update]\nslot = \"rauc\"\ntrial = \"grub:B_TRY\"\nconfirm = [\"/usr/bin/rauc\", \"status\", \"mark-good\"]\nreject = [\"/usr/bin/no\"]\npeers = true\n"
	root := image(t, toml, map[string]string{"usr/bin/rauc": "#!/bin/sh\n"})
	out, err := exec.Command(machine.Init(t), "plan", "--root", root, "--cmdline", planCmdline+" rauc.slot=B").CombinedOutput()
	want := "\nupdate:\n  slot: rauc, here B\n  on trial: where grub:B_TRY\n  confirmed when it is up for 1m0s with all peers: /usr/bin/rauc status mark-good\n" +
		"  given up when it is not, within 10m0s, or its release is: /usr/bin/no, and a reboot\n"
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v; want %q in\n%s", err, want, out)
	}
	out, _ = exec.Command(machine.Init(t), "check", "--root", root, "--cmdline", planCmdline).CombinedOutput()
	for _, want := range []string{
		"update.trial: the image has no grub-editenv; want the package that has it\n",
		"update.reject: /usr/bin/no: no such file or directory; want a program of the image\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	out, _ = exec.Command(machine.Init(t), "plan", "--root", image(t, planTOML, nil), "--cmdline", planCmdline).CombinedOutput()
	if strings.Contains(string(out), "\nupdate:\n") {
		t.Errorf("nothing is configured, and the plan has a section for it:\n%s", out)
	}
}

// A file system that is not there yet may bring the cookie that will be used.
func TestPlanOfACookieToCome(t *testing.T) {
	t.Parallel()
	root := image(t, planTOML, map[string]string{"srv/erlang/releases/1.0.0/vm.args": "-setcookie monster\n"})
	out, err := exec.Command(machine.Init(t), "plan", "--root", root, "--cmdline", planCmdline).CombinedOutput()
	want := "cookie:\n  in /data/cookie, if it is there when the file systems are mounted; else fingerprint e2aa, from -setcookie\n"
	if err != nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "monster") {
		t.Errorf("%v; want %q, and no cookie, in\n%s", err, want, out)
	}
}

// The plan says where the shell is, and the command is that of an interactive VM.
func TestPlanOfAShell(t *testing.T) {
	t.Parallel()
	root := image(t, planTOML+"[console]\ntty = \"/dev/ttyS0\"\noptions = \"115200n8\"\n", map[string]string{"etc/terminfo/v/vt102": ""})
	out, err := exec.Command(machine.Init(t), "plan", "--root", root, "--cmdline", planCmdline+" console=ttyS0").CombinedOutput()
	for _, want := range []string{
		"\nconsole:\n  the release's shell is on /dev/ttyS0, 115200n8; health and all else are on the kernel's console\n",
		"\n  TERM=vt102\n",
		"\n  console.tty: /dev/ttyS0 is the kernel's console too: the health records and all else stand there between the lines of the shell\n",
	} {
		if err != nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "-noinput") {
			t.Errorf("%v; want %q, and no -noinput, in\n%s", err, want, out)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, toml, cmdline string
		files               map[string]string
		status              int
		want                string
	}{
		{"good", planTOML, planCmdline, nil, 0, ""},
		{"another's address", strings.Replace(planTOML, "192.168.7.6", "192.168.7.9", 1), planCmdline, nil, 1,
			"/etc/beaminit.toml:2: peers.eclero6 is 192.168.7.9, but this node has 192.168.7.6; the others will look for it at the wrong place\n"},
		{"what the image brings", planTOML, planCmdline, map[string]string{"etc/inittab": "S0:12345:respawn:/bin/start_getty 115200 ttyS0\n"}, 0,
			"note: image: programs brought by the image, without effect here: /etc/inittab; want [[service]], or console.tty for a shell\n"},
		{"unknown key", "[node]\nhostnam = \"x\"\n", planCmdline, map[string]string{"data/cookie": "c"}, 1, "/etc/beaminit.toml:2: node.hostnam: "},
		{"no cookie", "", planCmdline, nil, 1, "no cookie"},
		{"no release", "[release]\npath = [\"/opt\"]\n", planCmdline, nil, 1, "/opt"},
		{"mount with a bad target", planTOML + "[[mount]]\nsource = \"a\"\ntarget = \"b\"\ntype = \"ext4\"\n", planCmdline, nil, 1, "mount"},
		{"not among the peers", planTOML, "ip=192.168.7.5:::255.255.255.0:eclero5:eth0:off", nil, 1, "this node, eclero5, is none of them"},
		{"another address", planTOML, "ip=192.168.7.9:::255.255.255.0:eclero6:eth0:off", nil, 1, "peers.eclero6 is 192.168.7.6, but this node has 192.168.7.9"},
		{"no such program", planTOML + "[node]\nid = \"/bin/boardid -s\"\n[release]\nwrapper = [\"run_erl\"]\npre_run = [\"/no/such\"]\nrun_on_exit = [\"/data/on-exit\"]\n", planCmdline, nil, 1,
			"/etc/beaminit.toml:13: node.id: /bin/boardid: no such file or directory; want a program of the image\n/etc/beaminit.toml:16: release.pre_run: /no/such: no such file or directory; want a program of the image\n"},
		{"erlinit's words", planTOML, planCmdline + " -- --hostname-patern x", nil, 1, "kernel command line: --hostname-patern: there is no such option, ignored; did you mean --hostname-pattern?; want beaminit.SECTION.KEY=VALUE, or an option of erlinit\n"},
		{"no terminal described", planTOML + "[console]\ntty = \"ttyS1\"\n", planCmdline, nil, 0, ""},
		{"another terminal", planTOML + "[console]\ntty = \"ttyS1\"\n", planCmdline, map[string]string{"usr/share/terminfo/v/vt220": ""}, 0, ""},
		{"a terminal of its own", planTOML + "[console]\ntty = \"ttyS1\"\n[release]\nenv = { TERM = \"xterm-256color\" }\n", planCmdline, map[string]string{"lib/terminfo/l/linux": ""}, 1, "terminal xterm-256color (/lib/terminfo/x/xterm-256color"},
		{"and where it lies", planTOML + "[console]\ntty = \"ttyS1\"\n[release]\nenv = { TERM = \"mine\", TERMINFO = \"/data\" }\n", planCmdline, nil, 0, ""},
		{"wrong option", "", "", nil, 2, ""},
	}
	for _, tt := range tests {
		args := []string{"check", "--root", image(t, tt.toml, tt.files), "--cmdline", tt.cmdline}
		if tt.status == 2 {
			args = append(args, "--rot")
		}
		cmd := exec.Command(machine.Init(t), args...)
		out, _ := cmd.Output()
		if got := cmd.ProcessState.ExitCode(); got != tt.status || !strings.Contains(string(out), tt.want) || tt.status == 0 && string(out) != tt.want {
			t.Errorf("%s: exit status %d, want %d; output, which wants %q:\n%s", tt.name, got, tt.status, tt.want, out)
		}
	}
}

// The image of a real release is looked through as far as its libraries; what is there is
// not complained of.
func TestCheckRelease(t *testing.T) {
	t.Parallel()
	image := t.TempDir()
	script := "mkdir -p srv etc data && cp -r " + machine.Release(t, "relx/own") + " srv/erlang && echo secret >data/cookie && " +
		"for f in $(ldd srv/erlang/erts-*/bin/beam.smp | grep -o '/[^ ]*'); do mkdir -p .$(dirname $f) && cp $f .$f; done"
	run := func(script string) {
		t.Helper()
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = image
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	run(script)
	for _, tt := range []struct{ change, want string }{
		{":", ""},
		{"find . -name 'libtinfo*' -delete", "/srv/erlang/erts-13.1.5/bin/beam.smp: needs the library libtinfo.so.6, which the image does not have; want the package with it"},
		{"rm -r srv/erlang/lib/bird-*", "/srv/erlang/releases/0.10.0/start.boot: names $ROOT/lib/bird-0.1.0/ebin, and there is no /srv/erlang/lib/bird-0.1.0/ebin; want the whole release"},
	} {
		run(tt.change)
		problems, _ := exec.Command(machine.Init(t), "check", "--root", image, "--cmdline", "hostname=n1.lan").Output() // its exit status is that there are some
		if got := withoutNotes(string(problems)); tt.want == "" && got != "" || !strings.Contains(got, tt.want[strings.LastIndex(tt.want, "/")+1:]) {
			t.Errorf("after %q: %q, want %q", tt.change, got, tt.want)
		}
	}
}

func withoutNotes(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "note: ") }), "\n")
}

// What of a release has no effect is told by check too, and is no fault.
func TestCheckNotes(t *testing.T) {
	t.Parallel()
	root := image(t, "[node]\nhostname = \"n1.lan\"\n", map[string]string{
		"data/cookie": "secret", "srv/erlang/releases/1.0.0/vm.args": "-epmd_module bird_epmd\n+Bd\n-kernel inet_dist_listen_min 9100\n",
	})
	out, err := exec.Command(machine.Init(t), "check", "--root", root, "--cmdline", "quiet systemd.unit=x").Output()
	const want = `note: vm.args: -epmd_module bird_epmd is left out: the nodes find each other by distribution.port and the hosts file; with distribution.epmd = "module:bird_epmd" it is used
note: vm.args: -kernel inet_dist_listen_min 9100 is left out: distribution.port is used
note: systemd.unit: without effect: there are no units here; the release is what is started, and beaminit rescue stops it
`
	if err != nil || string(out) != want {
		t.Errorf("%v; got\n%swant\n%s", err, out, want)
	}
}
