package config

import "testing"

// TestCgroupValues holds what is taken to what the kernel takes (mm/page_counter.c,
// kernel/sched/core.c, kernel/cgroup/pids.c, block/bfq-cgroup.c).
func TestCgroupValues(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"memory.max=0", true}, {"memory.max=268435456", true}, {"memory.max=256M", true}, {"memory.max=1g", true}, {"memory.max=max", true},
		{"memory.max=", false}, {"memory.max=M", false}, {"memory.max=1KM", false}, {"memory.max=-1", false}, {"memory.max=+1", false}, {"memory.max=50%", false},
		{"memory.max=256 M", false}, {"memory.max", false}, {"memory.max =1", false}, {"memory.max=1=2", false},
		{"memory.high=max", true}, {"memory.swap.max=0", true}, {"memory.min=1M", false}, {"memory.current=1", false}, {"cgroup.procs=1", false}, {"../memory.max=1", false}, {"", false}, {"=", false},
		{"memory.oom.group=0", true}, {"memory.oom.group=1", true}, {"memory.oom.group=2", false},
		{"cpu.weight=1", true}, {"cpu.weight=10000", true}, {"cpu.weight=0", false}, {"cpu.weight=10001", false}, {"cpu.weight=idle", false},
		{"io.weight=100", true}, {"io.weight=default 100", true}, {"io.weight=default", false}, {"io.weight=8:0 100", false},
		{"cpu.max=max", true}, {"cpu.max=max 100000", true}, {"cpu.max=1000", true}, {"cpu.max=50000 100000", true},
		{"cpu.max=999 100000", false}, {"cpu.max=50000 max", false}, {"cpu.max=50000 999", false}, {"cpu.max=50000 1000001", false}, {"cpu.max=50000  1000", false}, {"cpu.max=1000 1000 1000", false},
		{"pids.max=max", true}, {"pids.max=1", true}, {"pids.max=0", false}, {"pids.max=2147483648", false},
	} {
		if f := cgroupFault(c.text); (f.what == "") != c.want {
			t.Errorf("%q: taken %v (%+v), want %v", c.text, f.what == "", f, c.want)
		}
	}
}
