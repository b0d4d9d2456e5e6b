package evidence

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRing(t *testing.T) {
	var r Ring
	take := func() string {
		older, newer := r.Take()
		return string(older) + string(newer)
	}
	if got := take(); got != "" {
		t.Errorf("nothing was written: %q", got)
	}
	var all strings.Builder
	piece := strings.Repeat("0123456789", 700) + "\n" // no divisor of the size
	for i := 0; i < 40; i++ {
		r.Add([]byte(piece))
		all.WriteString(piece)
		if i == 2 {
			if got := take(); got != all.String() {
				t.Errorf("a part: got %d bytes, want %d", len(got), all.Len())
			}
			all.Reset()
		}
	}
	want := all.String()[all.Len()-RingSize:]
	if got := take(); got != want {
		t.Errorf("overrun: got %d bytes, want the last %d", len(got), RingSize)
	}
	r.Add(bytes.Repeat([]byte{'x'}, RingSize))
	if got := take(); len(got) != RingSize {
		t.Errorf("just full: got %d bytes", len(got))
	}
	r.Add([]byte("after"))
	if got := take(); got != "after" {
		t.Errorf("after that: got %q", got)
	}
}

func TestOOMVictim(t *testing.T) {
	tests := []struct {
		record string
		pid    int
		limit  bool
	}{
		// Linux 6.1, Debian 12, the whole machine and a cgroup.
		{"6,921,90123456,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=beam.smp,pid=87,uid=0\n", 87, false},
		{"3,922,90123499,-;Out of memory: Killed process 87 (beam.smp) total-vm:2147488kB, anon-rss:201336kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:900kB oom_score_adj:0\n", 87, false},
		{"6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/app,task_memcg=/app,task=beam.smp,pid=1234,uid=1000\n SUBSYSTEM=x\n", 1234, true},
		{"3,1,2,-;Memory cgroup out of memory: Killed process 1234 (beam.smp) total-vm:1kB, anon-rss:1kB, file-rss:1kB, shmem-rss:0kB, UID:1000 pgtables:1kB oom_score_adj:0\n", 1234, true},
		{"3,1,2,-;Out of memory (oom_kill_allocating_task): Killed process 5 (beam.smp) total-vm:1kB\n", 5, false},
		// Linux 4.
		{"3,1,2,-;Out of memory: Kill process 613 (beam.smp) score 910 or sacrifice child\n", 613, false},
		{"3,1,2,-;Killed process 613 (beam.smp) total-vm:1kB, anon-rss:1kB, file-rss:1kB\n", 613, false},
		{"3,1,2,-;Memory cgroup out of memory: Kill process 613 (beam.smp) score 1001 or sacrifice child\n", 613, true},
		// A name that wants to be something else.
		{"6,1,2,-;oom-kill:constraint=CONSTRAINT_NONE,task=a,pid=1,uid=0,pid=99,uid=0\n", 99, false},

		{"30,1,2,-;Out of memory: Killed process 87 (beam.smp) total-vm:1kB\n", 0, false}, // a daemon's record
		{"12,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,task=beam.smp,pid=87,uid=0\n", 0, false},
		{"4,1,2,-;beam.smp invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0\n", 0, false},
		{"3,1,2,-;Out of memory and no killable processes...\n", 0, false},
		{"6,1,2,-;oom_reaper: reaped process 87 (beam.smp), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n", 0, false},
		{"6,1,2,-;release: Out of memory: Killed process 87 (beam.smp)\n", 0, false},
		{"3,1,2,-;Out of memory: Killed process 99999999999999 (x)\n", 0, false},
		{"3,1,2,-;Out of memory: Killed process 0 (x)\n", 0, false},
		{"3,1,2,-;Out of memory: Killed process", 0, false},
		{"", 0, false}, {";", 0, false}, {"x;y", 0, false}, {"-8,1;Killed process 7 (x)", 0, false},
	}
	for _, tt := range tests {
		pid, limit, ok := oomVictim([]byte(tt.record))
		if pid != tt.pid || limit != tt.limit || ok != (tt.pid != 0) {
			t.Errorf("%q: got %d %v %v, want %d %v", tt.record, pid, limit, ok, tt.pid, tt.limit)
		}
	}
}

func FuzzOOMVictim(f *testing.F) {
	f.Add([]byte("6,921,90123456,-;oom-kill:constraint=CONSTRAINT_NONE,task=beam.smp,pid=87,uid=0\n"))
	f.Add([]byte("3,1,2,-;Memory cgroup out of memory: Killed process 1234 (beam.smp) total-vm:1kB\n"))
	f.Fuzz(func(t *testing.T, record []byte) {
		pid, limit, ok := oomVictim(record)
		if ok != (pid > 0) || limit && !ok {
			t.Errorf("%q: %d %v %v", record, pid, limit, ok)
		}
	})
}

// A pipe in the place of the log is somebody's; its lines are not ours to take.
func TestLogIsTheDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, "/dev/null", "/nowhere"} {
		l := OpenLog(p)
		if l != nil {
			t.Errorf("%s was taken for the kernel's log", p)
		}
		if killed, _ := l.OOM(1); killed {
			t.Error("somebody was killed")
		}
	}
}

func TestSlogan(t *testing.T) {
	const head = "=erl_crash_dump:0.5\nSat Nov 21 12:42:02 2026\n"
	tests := []struct{ name, text, want string }{
		{"a dump", head + "Slogan: init terminating in do_boot ({undef,[...]})\nSystem version: Erlang/OTP 25\n", "init terminating in do_boot ({undef,[...]})"},
		{"strange letters", head + "Slogan: caf\xc3\xa9 \x1b[2J\r\n", "caf?? ?[2J"},
		{"cut in the middle", head + "Slogan: init termin", ""},
		{"none", head + "System version: x\nTaints: \nAtoms: 1\nSlogan: too late\n", ""},
		{"no dump", "Slogan: x\n", ""},
		{"empty", "", ""},
		{"longer than what is read", (head + "Slogan: " + strings.Repeat("x", 5000))[:dumpHead], strings.Repeat("x", dumpHead-len(head)-8)},
	}
	for _, tt := range tests {
		if got := Slogan([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzSlogan(f *testing.F) {
	f.Add([]byte("=erl_crash_dump:0.5\nSat\nSlogan: x\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		for _, c := range []byte(Slogan(head)) {
			if c < ' ' || c > '~' {
				t.Errorf("%q has %q", head, c)
			}
		}
	})
}

func TestShort(t *testing.T) {
	for text, want := range map[string]string{"": "", "1234567890": "1234567890", "12345678901": "1234567..."} {
		if got := Short(text, 10); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A disk without room leaves no half of an output, and no dump that hides behind it.
func TestKeepOutputFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount")
	}
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=16k"); err != nil {
		t.Skip(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	d := Dumps{Dir: dir + "/dumps", Keep: 1}
	if err := d.Make(); err != nil {
		t.Fatal(err)
	}
	err := d.KeepOutput("00000001-1", make([]byte, RingSize))
	if err == nil || !strings.Contains(err.Error(), "no space left") || d.files(t) != "" {
		t.Errorf("got %v and %q", err, d.files(t))
	}
}
