package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/web"
)

func TestExitStatus(t *testing.T) {
	none := t.TempDir()
	tests := []struct {
		args string
		want int
		says string
	}{
		{"", badUsage, "usage: lab COMMAND"},
		{"help", ok, "usage: lab COMMAND"},
		{"--help", ok, "kill A"},
		{"nosuch", badUsage, `no command "nosuch"`},
		{"kill", badUsage, "usage: lab kill [flags] A"},
		{"kill eclero6 eclero8", badUsage, "usage: lab kill"},
		{"kill -h", ok, "usage: lab kill"},
		{"help kill", ok, "usage: lab kill"},
		{"help run", ok, "-append string"},
		{"help nosuch", badUsage, `no command "nosuch"`},
		{"status -nosuch", badUsage, "lab status: flag provided but not defined: -nosuch; lab status -h lists the flags\n"},
		{"run -nodes many", badUsage, "lab run: invalid value \"many\" for flag -nodes: want a whole number; lab run -h"},
		{"run -interval 2", badUsage, "for flag -interval: want a time such as 10s or 1m30s"},
		{"run -interval -2s -dir " + none, badUsage, "interval -2s: want 100ms to 24h0m0s"},
		{"run -mem 5 -dir " + none, badUsage, "mem 5: a node boots with 128 MiB and more"},
		{"up -wait -1s -dir " + none, badUsage, "wait -1s: want a time such as 3m"},
		{"status extra", badUsage, "usage: lab status"},
		{"status -dir " + none, failed, "no lab runs in " + none + ": lab up starts one"},
		{"kill eclero6 -dir " + none, failed, "no lab runs in"},
		{"down -dir " + none, failed, "no lab runs in"},
		{"log eclero6 -n -3 -dir " + none, badUsage, "-n -3: want a number of lines"},
		{"watch -interval 3s -dir " + none, badUsage, "-interval is of serial lines, and here is no SOURCE"},
		{"watch -require upp /dev/null", badUsage, "-require upp: want one of up degraded"},
		{"run -nodes 0 -dir " + none, badUsage, "0 nodes"},
		{"run -dir " + none + " -init " + none, badUsage, "init " + none + ": read " + none + ": is a directory"},
		{"image -init /bin/true -release /nosuch -dir " + none, badUsage, "release: stat /nosuch"},
		{"image -init /bin/true -release demo:nosuch -dir " + none, badUsage, "release: there is no demo:nosuch; there are eclero"},
		{"image -init /bin/true -kernel /etc/passwd -dir " + none, badUsage, "kernel /etc/passwd: neither a bzImage nor an Image"},
		{"image -init /bin/true -kernel /dev/zero -dir " + none, badUsage, "kernel /dev/zero: it is no regular file"},
		{"image -init /bin/true -image /nosuch -dir " + none, badUsage, "image: stat /nosuch"},
		{"image -init /bin/true -config /dev/zero -dir " + none, badUsage, "config: /dev/zero is no regular file"},
		{"run /dev/zero -dir " + none, badUsage, "lab file: /dev/zero is no regular file"},
		{"run " + none + " -dir " + none, badUsage, "lab file: " + none + " is a directory; want a file"},
		{"play /dev/zero -dir " + none, badUsage, "scenario: /dev/zero is no regular file"},
		{"run -health-key /nosuch -dir " + none, badUsage, "-health-key: stat /nosuch"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var out strings.Builder
			if got := lab(strings.Fields(tt.args), &out, &out); got != tt.want {
				t.Errorf("exit status %d, want %d", got, tt.want)
			}
			if !strings.Contains(out.String(), tt.says) {
				t.Errorf("it says %q, want %q in it", out.String(), tt.says)
			}
		})
	}
}

// What follows the flags of sniff is for tshark.
func TestOwnFlags(t *testing.T) {
	for in, want := range map[string]string{
		"": " | ", "-Y erldp": " | -Y erldp", "-to x -Y erldp": "-to x | -Y erldp", "-dir=/tmp -c 3 -to y": "-dir=/tmp | -c 3 -to y", "-h": "-h | ", "-to": "-to | ", "-- -V": " | -- -V", "port 80": " | port 80",
	} {
		var e env
		fs := flag.NewFlagSet("lab sniff", flag.ContinueOnError)
		e.flags(fs, "sniff")
		own, others := ownFlags(fs, strings.Fields(in))
		if got := strings.Join(own, " ") + " | " + strings.Join(others, " "); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range commands {
		if c.hidden == (c.help != "") || c.run == nil {
			t.Errorf("%s: a command has a line of help exactly if it is not hidden, and does something", c.name)
		}
	}
}

func TestWithoutWait(t *testing.T) {
	got := withoutWait(strings.Fields("-nodes 2 -wait 3s -pcap --wait=3s -append wait"))
	want := strings.Fields("-nodes 2 -pcap -append wait")
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSteady(t *testing.T) {
	up := []labpkg.NodeStatus{{State: health.Up, Connected: 1, Peers: 1}}
	down := []labpkg.NodeStatus{{State: health.Down, Peers: 1}}
	ok := steady(3 * time.Second)
	begin := time.Now()
	for i, step := range []struct {
		nodes []labpkg.NodeStatus
		want  bool
	}{{down, false}, {up, false}, {up, false}, {down, false}, {up, false}, {up, false}, {up, false}, {up, true}} {
		if got := ok(labpkg.Status{At: begin.Add(time.Duration(i) * time.Second), Nodes: step.nodes}); got != step.want {
			t.Errorf("second %d: %v, want %v", i, got, step.want)
		}
	}
}

func TestRemsh(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(labpkg.RunDir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cookie"), []byte("OPENSESAME"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := labpkg.Status{Nodes: []labpkg.NodeStatus{
		{Name: "eclero6", State: health.Up, Erlang: "hello@eclero6"}, {Name: "eclero8", State: health.Starting, Erlang: "hello@eclero8"},
	}}
	args, at, err := remsh(dir, s, "eclero6")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(args, " "); !strings.HasSuffix(got, "-remsh hello@eclero6") || strings.Contains(got, "SESAME") {
		t.Errorf("%s; want a shell of hello@eclero6 and no cookie to be seen", got)
	}
	_, home, _ := strings.Cut(args[1], "HOME=")
	st, err := os.Stat(home + "/.erlang.cookie")
	text, _ := os.ReadFile(home + "/.erlang.cookie")
	if err != nil || at != home || st.Mode().Perm() != 0o400 || string(text) != "OPENSESAME" {
		t.Errorf("%v has %q, %v (%v)", args, text, st, err)
	}
	if _, other, err := remsh(dir, s, "eclero6"); err != nil || other == home {
		t.Errorf("once more: %v, at %s as before", err, other)
	}
	for name, want := range map[string]string{"eclero8": "eclero8 is starting", "nosuch": `no node "nosuch"`} {
		if _, _, err := remsh(dir, s, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}

func TestTyped(t *testing.T) {
	for in, want := range map[string]string{"abc": "abc", "ab\x1dcd": "ab", "\x1d": "", "": ""} {
		var b strings.Builder
		if err := typed(&b, strings.NewReader(in)); err != nil || b.String() != want {
			t.Errorf("typing %q sent %q (%v), want %q", in, b.String(), err, want)
		}
	}
}

func TestWebFlag(t *testing.T) {
	for in, want := range map[string]web.Flag{"": {}, "-web": {On: true}, "-web=8090": {On: true, Port: 8090}, "-web=1": {On: true}, "-web=false": {}} {
		var e env
		fs := flag.NewFlagSet("x", flag.ContinueOnError)
		e.flags(fs, "watch")
		if err := fs.Parse(strings.Fields(in)); err != nil || e.web != want {
			t.Errorf("%q gives %+v (%v), want %+v", in, e.web, err, want)
		}
	}
	var out strings.Builder
	if got := lab([]string{"watch", "-web=70000"}, &out, &out); got != badUsage || !strings.Contains(out.String(), "such as -web=8090") {
		t.Errorf("exit status %d: %s", got, out.String())
	}
}

// A node whose address nobody knows is in no hosts file.
func TestHostsOf(t *testing.T) {
	s := labpkg.Status{Nodes: []labpkg.NodeStatus{{Name: "till", Address: "192.168.7.6"}, {Name: "node-0708"}, {Name: "store", Address: "192.168.7.8"}}}
	if got, want := hostsOf(s), "192.168.7.6 till\n192.168.7.8 store\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Who joins the LAN has an address that nobody has, and none that a node or another host has.
func TestSeat(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(labpkg.RunDir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	s := labpkg.Status{Nodes: []labpkg.NodeStatus{{Name: "till", Address: "192.168.7.2"}, {Name: "store", Address: "192.168.7.8"}}}
	for _, tt := range []struct{ address, want string }{
		{"", "192.168.7.1/24"}, {"", "192.168.7.3/24"}, {"192.168.7.5", "192.168.7.5/24"}, {"192.168.7.77/25", "192.168.7.77/25"}, {"", "192.168.7.4/24"},
		{"", "192.168.7.1 to 192.168.7.5 are taken: name an address by -address"},
		{"192.168.7.5", "address 192.168.7.5 is that of another that has joined the LAN"},
		{"192.168.7.8", "address 192.168.7.8 is that of store"},
		{"here", `address "here": want one such as 192.168.7.3`},
		{"10.0.0.1", "address 10.0.0.1 is on none of the lab's LANs: [192.168.7.0/24]"},
	} {
		address, _, taken, err := env{address: tt.address}.seat(dir, s)
		got := address.String()
		if err != nil {
			got = err.Error()
		} else {
			defer taken.Close()
		}
		if got != tt.want {
			t.Errorf("%q: %s, want %s", tt.address, got, tt.want)
		}
	}
}
