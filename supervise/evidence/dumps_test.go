package evidence

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
