package config

import "testing"

func TestProblemOfAKey(t *testing.T) {
	tests := []struct{ toml, cmdline, want string }{
		{"[release]\nboot = \"start\"\nuser = \"app\"\n", "", "/etc/beaminit.toml:3: release.user: gone; want another; using none"},
		{"", "beaminit.release.user=app", "kernel command line: release.user: gone; want another; using none"},
		{"", "", "built in: release.user: gone; want another; using none"},
	}
	for _, tt := range tests {
		if got := load(t, tt.toml, tt.cmdline).Problem("release.user", "gone", "another", "none").String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
