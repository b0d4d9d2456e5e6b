package heart

import (
	"os"
	"strings"

	"github.com/beaminit/beaminit/internal/footprint"
	"github.com/beaminit/beaminit/internal/proc"
)

// Main is the heart of a release, which ERTS starts as "heart -pid PID". It ends with the VM, and not without it: the VM would end too.
func Main(args []string) int {
	s, notes, err := Arguments(args[1:])
	if err != nil {
		os.Stderr.WriteString("heart: " + err.Error() + "\n")
		return 2
	}
	notes = append(notes, s.Environment(os.LookupEnv)...)
	proc.SetName("heart") // not "init"
	footprint.Small()
	say := func(line string) { os.Stderr.WriteString("heart: " + line + "\n") }
	for _, note := range notes {
		say(note)
	}
	Run(s, say)
	return 0
}

// Shell stands in for the shell of an image that has none, for one call only: ERTS
// starts its heart through /bin/sh, and does not boot without.
func Shell(args []string) int {
	if call, ok := ShellCall(args[1:]); ok {
		return Main(append([]string{"heart"}, call...))
	}
	os.Stderr.WriteString("sh: there is no shell on this node, only the start of ERTS's heart is understood; not done: " +
		strings.Join(args, " ") + "\n")
	return 127
}
