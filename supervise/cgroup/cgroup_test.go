package cgroup

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestUsages(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"release/memory.current": "126877696\n", "release/memory.max": "268435456\n", "release/pids.current": "34\n", "release/pids.max": "max\n",
		"release/memory.pressure": "some avg10=1.25 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"release/cpu.pressure":    "some avg10=20.00 avg60=0.00 avg300=0.00 total=0\n",
		"service.a/pids.current":  "3\n", "service.a/pids.max": "20\n", "service.a/memory.current": "not a number\n",
		"service.b/cgroup.procs": "", "user/memory.current": "1\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"release: 121 of 256 MiB, 34 tasks, pressure memory 1.25%, cpu 20.00%", "service.a: 3 of 20 tasks"}
	if got := usages(root); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIsFull(t *testing.T) {
	for _, c := range []struct {
		current, most string
		want          bool
	}{{"100", "100", true}, {"99", "100", true}, {"98", "100", false}, {"98", "max", false}, {"", "100", false}, {"100", "", false}} {
		dir := t.TempDir()
		for name, text := range map[string]string{"memory.current": c.current, "memory.max": c.most} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := isFull(dir); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestAverage(t *testing.T) {
	for text, want := range map[string]string{
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n": "0.00", "some avg10=99.12 avg60=": "99.12",
		"": "", "some avg10=": "", "some avg10=x avg60=1": "", "full avg10=1.00 avg60=1": "", "some avg10=1.00": "",
	} {
		if got := average(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	all := []Process{{12, "sleep"}, {13, "a\nb"}, {14, "sh"}, {15, "x"}}
	for n, want := range map[int]string{
		1: `1 process: "sleep" (pid 12)`, 2: `2 processes: "sleep" (pid 12), "a\nb" (pid 13)`,
		4: `4 processes: "sleep" (pid 12), "a\nb" (pid 13), "sh" (pid 14), …`,
	} {
		if got := Names(all[:n]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestGroup(t *testing.T) {
	if New(Release, nil) != nil {
		t.Error("there is a group of which nothing is set")
	}
	g := New(Service+"a", []string{"memory.max=1M", "cpu.max=max 100000"})
	if got, want := g.String(), "/sys/fs/cgroup/service.a: memory.max=1M, cpu.max=max 100000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if g.Value("cpu.max") != "max 100000" || g.Value("memory.high") != "" {
		t.Errorf("values %q and %q", g.Value("cpu.max"), g.Value("memory.high"))
	}
}
