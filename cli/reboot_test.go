package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/boot/shutdown"
)

func TestParseRequest(t *testing.T) {
	for _, tt := range []struct {
		args    string
		action  shutdown.Action
		want    request
		problem string
	}{
		{"", shutdown.Reboot, request{}, ""},
		{"-f", shutdown.Halt, request{force: true}, ""},
		{"-nf -d 3", shutdown.PowerOff, request{force: true, noSync: true, delay: 3 * time.Second}, ""},
		{"-fd2", shutdown.PowerOff, request{force: true, delay: 2 * time.Second}, ""},
		{"tryboot", shutdown.Reboot, request{param: "tryboot"}, ""},
		{"-f tryboot", shutdown.Reboot, request{force: true, param: "tryboot"}, ""},
		{"tryboot", shutdown.Halt, request{}, `takes no argument "tryboot"`},
		{"0 tryboot", shutdown.Reboot, request{}, "want blanks within quotes"},
		{"a\x1b", shutdown.Reboot, request{}, "printable ASCII"},
		{"-n", shutdown.Reboot, request{}, "-n without -f"},
		{"-d", shutdown.Reboot, request{}, `-d "" is no number of seconds`},
		{"-d -1", shutdown.Reboot, request{}, `-d "-1" is no number`},
		{"-w", shutdown.Reboot, request{}, "no wtmp"},
		{"-p", shutdown.Halt, request{}, "no option -p"},
		{"--force", shutdown.Halt, request{}, "no option --force"},
		{"now", shutdown.PowerOff, request{}, `takes no argument "now"`},
	} {
		got, err := parseRequest(strings.Fields(tt.args), tt.action)
		if tt.problem == "" && (err != nil || got != tt.want) || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
			t.Errorf("%v %s: %+v, %v; want %+v, %q", tt.action, tt.args, got, err, tt.want, tt.problem)
		}
	}
}
