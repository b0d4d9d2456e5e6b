package boot

import (
	"strings"
	"testing"
)

func TestParseMountInfo(t *testing.T) {
	text := `22 27 0:21 / /proc rw,nosuid - proc proc rw
36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue
37 35 0:50 / /a\134b\011c\012 rw shared:7 - fuse.sshfs host:/a\040b rw,user_id=0
38 35 0:51 / /empty rw - tmpfs  rw,size=4k
`
	got, err := ParseMountInfo([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []MountInfo{
		{22, 27, 0, 21, "/", "/proc", "rw,nosuid", "", "proc", "proc", "rw"},
		{36, 35, 98, 0, "/mnt1", "/mnt 2", "rw,noatime", "master:1 propagate_from:2", "ext3", "/dev/root", "rw,errors=continue"},
		{37, 35, 0, 50, "/", "/a\\b\tc\n", "rw", "shared:7", "fuse.sshfs", "host:/a b", "rw,user_id=0"},
		{38, 35, 0, 51, "/", "/empty", "rw", "", "tmpfs", "", "rw,size=4k"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d mounts, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d\ngot  %+v\nwant %+v", i+1, got[i], want[i])
		}
	}
}

func TestParseMountInfoBad(t *testing.T) {
	good := "22 27 0:21 / /proc rw - proc proc rw\n"
	for _, bad := range []string{
		"x 27 0:21 / /proc rw - proc proc rw",
		"22 y 0:21 / /proc rw - proc proc rw",
		"22 27 0:z / /proc rw - proc proc rw",
		"22 27 021 / /proc rw - proc proc rw",
		"22 27 0:21 / /proc rw proc proc rw",
		"22 27 0:21 / /proc - proc proc rw",
		"22 27 0:21 / /proc rw - proc proc",
		"22",
	} {
		list, err := ParseMountInfo([]byte(good + bad + "\n" + good))
		if err == nil || !strings.Contains(err.Error(), "line 2") || len(list) != 1 {
			t.Errorf("%q: got %d mounts, %v; want one mount and an error about line 2", bad, len(list), err)
		}
	}
}

func TestParseOwnMountInfo(t *testing.T) {
	for _, m := range mounted(t, "/") {
		if m.ID == 0 || m.Type == "" || m.Root == "" {
			t.Errorf("root: %+v", m)
		}
	}
	if len(mounted(t, "/")) == 0 {
		t.Error("no mount on / in /proc/self/mountinfo")
	}
}

func FuzzMountInfo(f *testing.F) {
	f.Add([]byte("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"))
	f.Add([]byte("1 1 0:0 / /\\ rw - a b c\n1 1 0:0 / /\\77 rw - a b c d"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParseMountInfo(text)
		lines := 0
		for _, line := range strings.Split(string(text), "\n") {
			if line != "" {
				lines++
			}
		}
		if err == nil && len(list) != lines {
			t.Errorf("%d lines gave %d mounts and no error", lines, len(list))
		}
	})
}
