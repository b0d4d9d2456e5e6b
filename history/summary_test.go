package history

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const start = 1795255872 // 2026-11-21 10:11:12 UTC

// at is an entry of a boot, so long after its start.
func at(up time.Duration, k Kind, boot uint32, why string) Entry {
	return Entry{Kind: k, Boot: boot, Up: up, At: start + int64(up/time.Second), Why: why}
}

func TestSummary(t *testing.T) {
	const day = 24 * time.Hour
	boot := at(1200*time.Millisecond, Boot, 1, "beaminit v1")
	up := at(5*time.Second, Up, 1, "")
	crash := func(n time.Duration) Entry {
		e := at(n*time.Minute, End, 1, "killed by signal 9 (SIGKILL), OOM killer")
		e.Ran = n * time.Minute
		return e
	}
	dump := crash(9)
	dump.Slogan, dump.Dump, dump.Tail = "eheap_alloc: no", "/data/dumps/1", "x | y"
	asked := at(74*time.Hour, Down, 1, "reboot asked for by SIGTERM")
	asked.Asked = true
	const begun = "previous: boot 00000001 2026-11-21 10:11:12 "
	const uncleanShutdown = "ended without a word (power cut, kernel panic, watchdog or a reboot at once) after at least "
	tests := []struct {
		name string
		past []Entry
		last Entry
		want []string
		bad  bool
	}{
		{"the first boot ever", nil, Entry{}, nil, false},
		{"this boot alone", []Entry{at(1, Boot, 9, "")}, Entry{}, nil, false},
		{"asked for", []Entry{boot, up, at(73*time.Hour, End, 1, "exit status 0"), asked}, Entry{},
			[]string{begun + "up 3d2h: reboot asked for by SIGTERM"}, false},
		{"asked for, in rescue", []Entry{boot, up, crash(2), asked}, Entry{}, []string{begun + "up 3d2h: reboot asked for by SIGTERM",
			"previous: the release ended 2026-11-21 10:13:12 after 2m0s: killed by signal 9 (SIGKILL), OOM killer"}, false},
		{"without a word", []Entry{boot, up}, at(3*day+2*time.Hour, alive, 1, ""), []string{begun + uncleanShutdown + "3d2h"}, true},
		{"a sign of another boot", []Entry{boot, up}, at(3*day, alive, 2, ""), []string{begun + uncleanShutdown + "5.0s"}, true},
		{"never up", []Entry{boot}, Entry{}, []string{begun + uncleanShutdown + "1.2s, and the release never answered"}, true},
		{"the policy", []Entry{boot, up, crash(1), crash(2), crash(3), at(4*time.Minute, Fall, 1, "panic"), dump, at(10*time.Minute, Down, 1, "reboot: killed by signal 9 (SIGKILL)")}, Entry{},
			[]string{begun + "up 10m0s: reboot: killed by signal 9 (SIGKILL); the release ended 4 times; PID 1 fell once",
				"previous: the release ended 2026-11-21 10:13:12 after 2m0s: killed by signal 9 (SIGKILL), OOM killer",
				"previous: the release ended 2026-11-21 10:14:12 after 3m0s: killed by signal 9 (SIGKILL), OOM killer",
				"previous: the release ended 2026-11-21 10:20:12 after 9m0s: killed by signal 9 (SIGKILL), OOM killer; slogan: eheap_alloc: no; dump: /data/dumps/1; last output: x | y"}, true},
		{"three boots", []Entry{at(1, Boot, 3, ""), at(1, Boot, 2, ""), boot, at(1, Boot, 9, "")}, Entry{},
			[]string{begun + uncleanShutdown + "1.2s, and the release never answered", "previous: the last 3 boots ended before the release answered"}, true},
		{"no clock", []Entry{{Kind: Boot, Boot: 1, Up: 2 * time.Hour}}, Entry{}, []string{"previous: boot 00000001 " + uncleanShutdown + "2h0m, and the release never answered"}, true},
	}
	for _, tt := range tests {
		got, bad := summarize(tt.past, 9, tt.last)
		if !reflect.DeepEqual(got, tt.want) || bad != tt.bad {
			t.Errorf("%s: bad=%v\n got %s\nwant %s", tt.name, bad, strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
		}
	}
}

func TestList(t *testing.T) {
	end := at(65*time.Second, End, 0x3f2a91c0, "killed by signal 9 (SIGKILL), OOM killer")
	end.Ran, end.Slogan, end.Dump, end.Tail = time.Minute, "eheap_alloc: no", "/data/dumps/1", "x | y"
	up := at(5*time.Second, Up, 0x3f2a91c0, "")
	up.Ran = 3 * time.Second
	got := List([]Entry{
		at(1300*time.Millisecond, Boot, 0x3f2a91c0, "beaminit v1"), up, end,
		at(2*time.Second, Boot, 7, "beaminit v1"), {Kind: End, Boot: 7, Up: 2 * time.Second, Why: "cannot be started: no such file"},
		at(26*time.Hour, Down, 7, "reboot asked for by SIGTERM"), at(2*time.Second, Boot, 8, "beaminit v2"),
	})
	want, err := os.ReadFile(filepath.Join("testdata", "list.txt"))
	if err != nil || got != string(want) {
		t.Errorf("%v, got\n%swant\n%s", err, got, want)
	}
}

func TestLength(t *testing.T) {
	tests := map[time.Duration]string{
		0: "0.0s", 850 * time.Millisecond: "0.8s", 9999 * time.Millisecond: "9.9s", 10 * time.Second: "10s", time.Minute: "1m0s",
		time.Hour + 5*time.Minute: "1h5m", 24*time.Hour - 1: "23h59m", 400 * 24 * time.Hour: "400d0h",
	}
	for d, want := range tests {
		if got := length(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
