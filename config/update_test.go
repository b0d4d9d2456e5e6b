package config

import (
	"strings"
	"testing"
)

func TestUpdateKeys(t *testing.T) {
	const confirm = "[update]\nconfirm = [\"/usr/bin/true\"]\n"
	tests := []struct{ name, toml, cmdline, problem string }{
		{"all ways", "[update]\nslot = \"root\"\ntrial = \"grub:B_TRY=2\"\n", "", ""},
		{"no way", "[update]\ntrial = \"rauc\"\n", "", `update.trial: "rauc" is no way to know a trial; want "cmdline:WORD", "uboot:VAR" or "grub:VAR", with =VALUE where that is not 1; using ""`},
		{"no value", "[update]\ntrial = \"uboot:x=\"\n", "", `update.trial: "uboot:x=" is no way to know a trial;`},
		{"no name", "[update]\nslot = \"uboot:\"\n", "", `update.slot: "uboot:" is no way to know the slot;`},
		{"no time", confirm + "within = \"1m\"\n", "", "/etc/beaminit.toml:3: update.within: a system that has to be up for 1m (update.after) cannot be that within 1m; want more than update.after"},
		{"no time, by the command line", confirm, "beaminit.update.after=1h", "kernel command line: update.within: a system that has to be up for 1h (update.after) cannot be that within 10m; want more than update.after"},
		{"no time, for nothing", "[update]\nslot = \"rauc\"\nwithin = \"1m\"\n", "", ""},
	}
	for _, tt := range tests {
		got := strings.Join(problems(load(t, tt.toml, tt.cmdline)), "\n")
		if !strings.Contains(got, tt.problem) || tt.problem == "" && got != "" {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.problem)
		}
	}
}
