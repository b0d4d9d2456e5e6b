package config

import (
	"strings"
	"testing"
)

func TestParseTTYOptions(t *testing.T) {
	for _, tt := range []struct {
		text string
		want TTYOptions
		ok   bool
	}{
		{"", TTYOptions{}, true},
		{"9600", TTYOptions{9600, 'n', 8, false}, true},
		{"115200n8", TTYOptions{115200, 'n', 8, false}, true},
		{"115200n8r", TTYOptions{115200, 'n', 8, true}, true},
		{"300e7", TTYOptions{300, 'e', 7, false}, true},
		{"1500000o", TTYOptions{1500000, 'o', 8, false}, true},
		{"n8", TTYOptions{}, false}, {"0n8", TTYOptions{}, false}, {"49", TTYOptions{}, false}, {"4000001", TTYOptions{}, false},
		{"115200x8", TTYOptions{}, false}, {"115200n9", TTYOptions{}, false}, {"115200n", TTYOptions{115200, 'n', 8, false}, true},
		{"115200n8x", TTYOptions{}, false}, {"115200n8rr", TTYOptions{}, false}, {"99999999999999999999", TTYOptions{}, false},
	} {
		got, ok := ParseTTYOptions(tt.text)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: %+v %v, want %+v %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

// A tty is named as people name it; where the kernel's console is too, that is said.
func TestConsole(t *testing.T) {
	const shared = "is the kernel's console too"
	for _, tt := range []struct{ tty, cmdline, path, note string }{
		{"ttyS1", "console=ttyS0,115200n8", "/dev/ttyS1", ""},
		{"/dev/ttyS1", "console=ttyS0 console=ttyS1", "/dev/ttyS1", shared},
		{"ttyS0", "console=tty0 console=ttyS0,115200n8", "/dev/ttyS0", shared},
		{"tty1", "console=ttyAMA0 console=tty0", "/dev/tty1", shared},
		{"tty1", "console=ttyAMA0", "/dev/tty1", ""},
		{"ttyS1", "console=tty0", "/dev/ttyS1", ""},
		{"console", "", "/dev/console", shared},
		{"hvc0", "console=", "/dev/hvc0", ""},
		{"serial/by-path/pci-0000:00:1f.0", "", "/dev/serial/by-path/pci-0000:00:1f.0", ""},
	} {
		c := load(t, "[console]\ntty = \""+tt.tty+"\"\n", tt.cmdline)
		text := strings.Join(notes(c), "\n")
		if got := c.Console.Path(); got != tt.path || len(c.Problems) > 0 || tt.note == "" && text != "" || !strings.Contains(text, tt.note) {
			t.Errorf("%s, %s: path %q, notes %q, problems %q; want %q, %q", tt.tty, tt.cmdline, got, text, problems(c), tt.path, tt.note)
		}
	}
	for _, bad := range []string{"/etc/passwd", "../ttyS1", "tty S1", "/dev/", "pts/", "/"} {
		if c := load(t, "[console]\ntty = \""+bad+"\"\n", ""); len(c.Problems) != 1 || c.Console.TTY != "" {
			t.Errorf("%s: tty %q, problems %q", bad, c.Console.TTY, problems(c))
		}
	}
	if text := strings.Join(notes(load(t, "[console]\noptions = \"9600n8\"\n", "")), "\n"); !strings.Contains(text, "there is no console.tty") {
		t.Errorf("options alone: notes %q", text)
	}
}
