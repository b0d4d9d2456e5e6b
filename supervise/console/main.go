package console

import (
	"os"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/footprint"
	"github.com/beaminit/beaminit/internal/proc"
)

// Main is the relay, a child of PID 1: descriptor 0 is the pty, 1 is where the last output is
// kept. It is root, because it has to open the tty, again and again; it understands
// nothing of what it carries.
func Main(args []string) int {
	if len(args) != 3 {
		os.Stderr.WriteString(RelayName + ": is for PID 1 to start\n")
		return 2
	}
	proc.SetName(RelayName) // not "exe"
	footprint.Small()
	options, _ := config.ParseTTYOptions(args[2])
	out := health.NewConsole()
	out.Open("/dev/kmsg")
	r := Relay{Path: args[1], Options: options, Master: 0, Ring: 1, Say: func(line string) { out.Say(health.Warning, line) }}
	r.Run()
	return 1
}
