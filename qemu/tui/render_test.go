package tui

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/lan"
	"github.com/beaminit/beaminit/qemu/watch"
)

var update = flag.Bool("update", false, "write testdata anew")

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func phasesOf(at ...float64) (list []health.Phase) {
	for i, name := range []string{"kernel", "mounts", "net", "exec", "listening"}[:len(at)] {
		list = append(list, health.Phase{Name: name, At: time.Duration(at[i] * float64(time.Second))})
	}
	return list
}

// mixed is a lab in which every node has something different.
func mixed() watch.Status {
	return watch.Status{
		At: noon, Uptime: 3*time.Minute + 7*time.Second, Accel: "tcg", Kernel: "6.1.0", Image: "6.3 MB",
		LAN: lan.Counters{Frames: 12345, Bytes: 1 << 21, Dropped: 3, Cut: 44, Lost: 7},
		Links: []lan.Link{
			{From: "eclero6", To: "eclero8", Fault: lan.Fault{Loss: 0.2}}, {From: "eclero8", To: "eclero6", Fault: lan.Fault{Loss: 0.2}},
			{From: "eclero8", To: "eclero14", Fault: lan.Fault{Cut: true}},
		},
		Nodes: []watch.NodeStatus{
			{Name: "eclero6", Address: "192.168.7.6", State: health.Up, HasRecord: true, Uptime: 187 * time.Second, Connected: 2, Peers: 2,
				PID: 87, Memory: 54 << 20, Probe: 4 * time.Millisecond, Phases: phasesOf(1.21, 1.3, 1.42, 1.55, 4.1), Event: "eclero: the cluster is whole: 3 nodes"},
			{Name: "eclero8", Address: "192.168.7.8", State: health.Degraded, HasRecord: true, Uptime: 26 * time.Hour, Connected: 1, Peers: 2,
				Missing: []string{"eclero10:cookie"}, Warn: []string{"clock", "data"}, Net: []string{"eth1:no-carrier"}, Healed: []string{"eclero6"}, Slot: "B", Trial: true, PID: 1234, Restarts: 12, Memory: 3 << 30, Probe: 1500 * time.Millisecond, Phases: phasesOf(1.2),
				Event: strings.Repeat("a very long line that does not fit ", 9), Lost: 2, Garbled: 7},
			{Name: "eclero10", Address: "192.168.7.10", State: health.Down, HasRecord: true, Connected: -1, Peers: 2, Restarts: 4,
				Why: "killed by SIGKILL", Next: 12 * time.Second, Age: 5 * time.Second, Event: "beaminit: release: killed by SIGKILL"},
			{Name: "eclero12", Address: "192.168.7.12", State: watch.Off, Cut: true, Event: "lab: machine off"},
			{Name: "eclero14", Address: "192.168.7.14", State: watch.Dead, HasRecord: true, Connected: 2, Peers: 2, Cut: true, Faults: []string{"frozen"}, Event: "界 wide 界"},
		},
		Events: []watch.Event{
			{At: noon, Node: "eclero6", Text: "first"}, {At: noon.Add(time.Second), Node: "eclero10", Text: "second"},
			{At: noon.Add(2 * time.Second), Node: "eclero8", Text: strings.Repeat("long ", 60)},
		},
	}
}

func TestRender(t *testing.T) {
	lipgloss.SetColorProfile(termenv.Ascii)
	for _, tt := range []struct {
		file string
		s    screen
	}{
		{"wide", screen{status: mixed(), width: 180, height: 24, selected: 1}},
		{"usual", screen{status: mixed(), width: 120, height: 20, selected: 2, message: "eclero8 runs already"}},
		{"narrow", screen{status: mixed(), width: 80, height: 24}},
		{"low", screen{status: mixed(), width: 100, height: 6}},
		{"phone", screen{status: mixed(), width: 40, height: 24, note: "page: http://127.0.0.1:8090/#token=x"}},
		{"fifty", screen{status: many(50), width: 80, height: 24, selected: 30}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			got := tt.s.render() + "\n"
			lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
			if len(lines) > tt.s.height {
				t.Errorf("the picture has %d lines on a screen of %d", len(lines), tt.s.height)
			}
			for _, l := range lines {
				if w := ansi.StringWidth(l); w > tt.s.width {
					t.Errorf("a line has %d columns on a screen of %d: %q", w, tt.s.width, l)
				}
			}
			golden(t, "testdata/"+tt.file+".golden", got)
		})
	}
}

// many is a lab of n nodes that are up, of which one is selected.
func many(n int) watch.Status {
	s := watch.Status{At: noon, Uptime: time.Minute, Accel: "namespaces", Image: "6.3 MB"}
	for i := range n {
		s.Nodes = append(s.Nodes, watch.NodeStatus{Name: fmt.Sprint("eclero", 6+2*i), State: health.Up, HasRecord: true, Uptime: time.Minute, Connected: n - 1, Peers: n - 1,
			Memory: 54 << 20, Probe: 4 * time.Millisecond, Phases: phasesOf(1, 2, 3), Event: "eclero: the cluster is whole"})
	}
	return s
}

// What is wrong with all links, or all of a node, is one line, and never hides the nodes.
func TestFaults(t *testing.T) {
	lipgloss.SetColorProfile(termenv.Ascii)
	bad, worse := lan.Fault{Loss: 0.2}, lan.Fault{Cut: true}
	link := func(fault lan.Fault, ends ...string) (list []lan.Link) {
		for i := range len(ends) / 2 {
			list = append(list, lan.Link{From: ends[2*i], To: ends[2*i+1], Fault: fault})
		}
		return list
	}
	all := link(bad, "eclero6", "eclero8", "eclero6", "eclero10", "eclero8", "eclero6", "eclero8", "eclero10", "eclero10", "eclero6", "eclero10", "eclero8")
	for _, tt := range []struct {
		links []lan.Link
		want  string
	}{
		{nil, ""},
		{all, "all ↔ all  loss 20%"},
		{all[:3], "eclero6 ↔ eclero8  loss 20%; eclero6 → eclero10  loss 20%"},
		{all[:2], "eclero6 → all  loss 20%"},
		{link(bad, "eclero10", "eclero6", "eclero10", "eclero8", "eclero6", "eclero10", "eclero8", "eclero10"), "eclero10 ↔ all  loss 20%"},
		{append(slices.Clone(all[1:]), lan.Link{From: "eclero6", To: "eclero8", Fault: lan.Fault{Loss: 0.2, Cut: true}}), "all ↔ all  loss 20%; eclero6 → eclero8  cut"},
		{slices.Concat(all[:1], all[2:3], link(worse, "eclero8", "eclero10")), "eclero6 ↔ eclero8  loss 20%; eclero8 → eclero10  cut"},
	} {
		s := screen{status: many(3)}
		s.status.Links = tt.links
		var got []string
		for _, line := range s.faults() {
			got = append(got, strings.TrimSpace(line))
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%v\nis %q, want %q", tt.links, got, tt.want)
		}
	}
	s := screen{status: many(12), width: 80, height: 24}
	for i, a := range s.status.Nodes {
		for j, b := range s.status.Nodes {
			if i != j && (i+j)%2 == 0 {
				s.status.Links = append(s.status.Links, lan.Link{From: a.Name, To: b.Name, Fault: worse})
			}
		}
	}
	if got := s.render(); !strings.Contains(got, "eclero28 ") || !strings.Contains(got, " more") {
		t.Errorf("the last node is not to be seen for the faults, or nothing says that there are more of them:\n%s", got)
	}
}

// No size and no status may make it panic or overflow.
func TestRenderAnySize(t *testing.T) {
	for w := range 200 {
		for _, h := range []int{0, 1, 2, 5, 9, 30} {
			for _, st := range []watch.Status{mixed(), {}, many(50)} {
				got := screen{status: st, width: w, height: h, message: "x", selected: w}.render()
				if n := strings.Count(got, "\n") + 1; n > max(h, 2) {
					t.Fatalf("%d lines on a screen of %dx%d", n, w, h)
				}
			}
		}
	}
}

func TestTable(t *testing.T) {
	lipgloss.SetColorProfile(termenv.Ascii)
	var b strings.Builder
	Table(&b, mixed(), 120)
	golden(t, "testdata/status.golden", b.String())
}

func TestPlainSaysEachChangeOnce(t *testing.T) {
	var p Lines
	s := mixed()
	first := p.Next(s)
	if len(first) != 3+5 {
		t.Errorf("the first status gave %d lines, want 3 events and 5 states:\n%s", len(first), strings.Join(first, "\n"))
	}
	for i := range s.Nodes { // what changes by itself is no news
		s.Nodes[i].Uptime += time.Minute
		s.Nodes[i].Memory += 1 << 20
		s.Nodes[i].Probe++
	}
	if again := p.Next(s); len(again) != 0 {
		t.Errorf("nothing happened, and it said %q", again)
	}
	s.Nodes[1].State, s.Nodes[1].Connected, s.Nodes[1].Missing = health.Up, 2, nil
	s.Events = append(s.Events, watch.Event{At: noon.Add(3 * time.Second), Node: "eclero8", Text: "eclero10 is back"})
	got := strings.Join(p.Next(s), "\n")
	want := "[190.0s] eclero8: eclero10 is back\n[187.0s] eclero8 up peers=2/2 restarts=12 warn=clock,data,eth1:no-carrier"
	if got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 59 * time.Second: "59s", 187 * time.Second: "3m07s", 5*time.Hour + 12*time.Minute: "5h12m", 220 * time.Hour: "9d04h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1 000", 12345678: "12 345 678"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got\n%s", file, got)
	}
}

// The address of the page stands above the keys, also where there is little room.
func TestNote(t *testing.T) {
	lipgloss.SetColorProfile(termenv.Ascii)
	for _, height := range []int{12, 40} {
		lines := strings.Split(screen{status: mixed(), width: 80, height: height, note: "page: http://127.0.0.1:8090/#token=x"}.render(), "\n")
		if got := lines[len(lines)-2]; len(lines) > height || !strings.Contains(got, "page: http") {
			t.Errorf("height %d: %d lines, the last but one is %q", height, len(lines), got)
		}
	}
}

// A name that is long leaves room for what is said of the node.
func TestLongName(t *testing.T) {
	lipgloss.SetColorProfile(termenv.Ascii)
	s := screen{status: many(2), width: 40, height: 24}
	s.status.Nodes[1].Name = "a-very-long-host-name-for-a-till-in-a-shop"
	s.status.Events = []watch.Event{{At: noon, Node: s.status.Nodes[1].Name, Text: "first of all"}}
	got := s.render()
	for _, want := range []string{"a-very-long-…  up        1/1", "12:00:00  a-very-long-…  first of all"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
