package evidence

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestRunNames(t *testing.T) {
	if got := Run(0x3f2a91c0, 17); got != "3f2a91c0-17" || !isRun(got) {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]string{
		"erl_crash-3f2a91c0-17.dump": "3f2a91c0-17", "last-output-00000000-1.log": "00000000-1",
		"erl_crash.dump": "", "erl_crash-.dump": "", "erl_crash-3f2a91c0.dump": "", "erl_crash-3F2a91c0-1.dump": "",
		"erl_crash-3f2a91c0-1.log": "", "erl_crash-3f2a91c0-../x.dump": "", "last-output-3f2a91c0-.log": "",
	} {
		if run, ok := runOf(name); ok != (want != "") || ok && run != want {
			t.Errorf("%s: got %q %v, want %q", name, run, ok, want)
		}
	}
}

// dumps makes a directory with the runs named, the oldest first.
func dumps(t *testing.T, keep int, runs ...string) *Dumps {
	t.Helper()
	d := &Dumps{Dir: t.TempDir() + "/dumps", Keep: keep, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
	if err := d.Make(); err != nil {
		t.Fatal(err)
	}
	for i, run := range runs {
		for _, path := range []string{d.Dump(run), d.Output(run)} {
			if err := os.WriteFile(path, []byte(run), 0o600); err != nil {
				t.Fatal(err)
			}
			at := time.Unix(int64(1000+i), 0)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	return d
}

func (d *Dumps) files(t *testing.T) string {
	t.Helper()
	list, err := os.ReadDir(d.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestPrune(t *testing.T) {
	d := dumps(t, 2, "00000003-1", "00000001-1", "00000002-1", "00000002-2")
	if err := os.WriteFile(d.Dir+"/erl_crash.dump", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", d.Dump("00000000-1")); err != nil { // new, by its mtime
		t.Fatal(err)
	}
	// The latest is of a clock that was set back.
	if err := d.Prune("00000003-1"); err != nil {
		t.Fatal(err)
	}
	want := "erl_crash-00000000-1.dump erl_crash-00000003-1.dump erl_crash.dump last-output-00000003-1.log"
	if got := d.files(t); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := os.Stat("/etc/passwd"); err != nil {
		t.Error("a link was followed: ", err)
	}
	if err := (&Dumps{Dir: d.Dir + "/none", Keep: 1}).Prune(""); err != nil {
		t.Errorf("nothing to prune: %v", err)
	}
}

// Whatever the release's user puts in the place of a dump or of the output is neither
// followed nor read.
func TestHostileDirectory(t *testing.T) {
	const run, slogan = "00000001-1", "=erl_crash_dump:0.5\nx\nSlogan: secret\n"
	d := dumps(t, 1)
	secret := t.TempDir() + "/secret"
	write := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(slogan), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret)
	tests := []struct {
		name string
		make func(path string) error
		want string
	}{
		{"a dump", func(path string) error { return os.WriteFile(path, []byte(slogan), 0o600) }, "secret"},
		{"a link", func(path string) error { return os.Symlink(secret, path) }, ""},
		{"a hard link", func(path string) error { return os.Link(secret, path) }, ""},
		{"a pipe", func(path string) error { return unix.Mkfifo(path, 0o600) }, ""},
		{"a directory", func(path string) error { return os.Mkdir(path, 0o700) }, ""},
	}
	for _, tt := range tests {
		for _, path := range []string{d.Dump(run), d.Output(run)} {
			os.Remove(path)
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := d.Slogan(run); got != tt.want {
			t.Errorf("%s: slogan %q, want %q", tt.name, got, tt.want)
		}
		err := d.KeepOutput(run, []byte("older newer"))
		text, _ := os.ReadFile(d.Output(run))
		if tt.name != "a directory" && (err != nil || string(text) != "older newer") {
			t.Errorf("%s: output %q %v", tt.name, text, err)
		}
		if tt.name == "a directory" && err == nil {
			t.Errorf("%s: want an error", tt.name)
		}
	}
	if text, _ := os.ReadFile(secret); string(text) != slogan {
		t.Errorf("the file behind the links became %q", text)
	}
	os.RemoveAll(d.Dir)
	if os.Geteuid() != 0 {
		t.Skip("needs root for a directory of somebody else's")
	}
	if err := os.Chown(filepath.Dir(d.Dir), 1000, 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), d.Dir); err != nil {
		t.Fatal(err)
	}
	if err := d.KeepOutput(run, []byte("x")); err == nil {
		t.Error("a link in the place of the directory was followed")
	}
	if err := d.Make(); err == nil {
		t.Error("a link was taken for the directory")
	}
}

func TestMake(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give directories away")
	}
	owner := func(path string) (uid, mode uint32) {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			t.Fatal(err)
		}
		return st.Uid, st.Mode & 0o7777
	}
	data := t.TempDir()
	d := Dumps{Dir: data + "/beaminit/dumps", Open: true, UID: 1000, GID: 1000}
	if err := os.Mkdir(data+"/beaminit", 0o700); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 2; i++ {
		if err := d.Make(); err != nil {
			t.Fatal(err)
		}
		if uid, mode := owner(d.Dir); uid != 1000 || mode != 0o700 {
			t.Errorf("dumps: uid %d mode %o", uid, mode)
		}
		if uid, mode := owner(data + "/beaminit"); uid != 0 || mode != 0o711 {
			t.Errorf("above: uid %d mode %o", uid, mode)
		}
	}
	d.UID, d.GID = 1001, 1001 // the image gave the release another user
	if err := d.Make(); err == nil || !strings.Contains(err.Error(), "belongs to uid 1000, the release runs as uid 1001") {
		t.Errorf("got %v", err)
	}
	d.UID, d.GID = 0, 0
	if err := d.Make(); err != nil {
		t.Errorf("root can write anywhere: %v", err)
	}
	for dir, want := range map[string]string{data + "/file/x": "file: it is a regular file; want a directory", "/proc/nowhere/x": "no such file"} {
		os.WriteFile(data+"/file", nil, 0o600)
		err := (&Dumps{Dir: dir}).Make()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", dir, err, want)
		}
	}
}

// A directory of root's that the user moved to the place of the dumps is not given to him.
func TestMakeOfMoved(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give directories away")
	}
	data := t.TempDir()
	if err := os.Chown(data, 1000, 1000); err != nil {
		t.Fatal(err)
	}
	d := Dumps{Dir: data + "/dumps", UID: 1000, GID: 1000}
	if err := os.Mkdir(d.Dir, 0o700); err != nil { // was /data/keys
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Dir+"/key", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Make(); err == nil || !strings.Contains(err.Error(), "belongs to uid 0, the release runs as uid 1000") {
		t.Errorf("got %v", err)
	}
	os.Remove(d.Dir + "/key")
	if err := d.Make(); err != nil {
		t.Errorf("there is nothing in it: %v", err)
	}
}

// What a child is told and tells is data.
func TestJob(t *testing.T) {
	d := dumps(t, 2)
	const run = "00000001-1"
	if err := os.WriteFile(d.Dump(run), []byte("=erl_crash_dump:0.5\nx\nSlogan: eheap_alloc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(Job{Dumps: *d, Run: run, Read: true, Make: true, Output: []byte("last words\xff\n"), Prune: true})
	if err != nil {
		t.Fatal(err)
	}
	var j Job
	if err := json.Unmarshal(text, &j); err != nil {
		t.Fatal(err)
	}
	done := j.Do()
	output, _ := os.ReadFile(d.Output(run))
	if done.Slogan != "eheap_alloc" || done.Size == 0 || len(done.Problems) != 0 || string(output) != "last words\xff\n" {
		t.Errorf("%+v, output %q", done, output)
	}
	j.Dumps.Dir = "/proc/none/dumps"
	if done := j.Do(); len(done.Problems) != 1 || done.Slogan != "" {
		t.Errorf("%+v", done)
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
