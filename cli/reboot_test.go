package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/boot"
)

func TestParseRequest(t *testing.T) {
	for _, tt := range []struct {
		args    string
		action  boot.Action
		want    request
		problem string
	}{
		{"", boot.Reboot, request{}, ""},
		{"-f", boot.Halt, request{force: true}, ""},
		{"-nf -d 3", boot.PowerOff, request{force: true, noSync: true, delay: 3 * time.Second}, ""},
		{"-fd2", boot.PowerOff, request{force: true, delay: 2 * time.Second}, ""},
		{"tryboot", boot.Reboot, request{param: "tryboot"}, ""},
		{"-f tryboot", boot.Reboot, request{force: true, param: "tryboot"}, ""},
		{"tryboot", boot.Halt, request{}, `takes no argument "tryboot"`},
		{"0 tryboot", boot.Reboot, request{}, "want blanks within quotes"},
		{"a\x1b", boot.Reboot, request{}, "printable ASCII"},
		{"-n", boot.Reboot, request{}, "-n without -f"},
		{"-d", boot.Reboot, request{}, `-d "" is no number of seconds`},
		{"-d -1", boot.Reboot, request{}, `-d "-1" is no number`},
		{"-w", boot.Reboot, request{}, "no wtmp"},
		{"-p", boot.Halt, request{}, "no option -p"},
		{"--force", boot.Halt, request{}, "no option --force"},
		{"now", boot.PowerOff, request{}, `takes no argument "now"`},
	} {
		got, err := parseRequest(strings.Fields(tt.args), tt.action)
		if tt.problem == "" && (err != nil || got != tt.want) || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
			t.Errorf("%v %s: %+v, %v; want %+v, %q", tt.action, tt.args, got, err, tt.want, tt.problem)
		}
	}
}
