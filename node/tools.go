package node

import (
	"errors"
	"strings"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// maxToolLines is how many lines of such a program are on the console.
const maxToolLines = 100

// tools are those of the child that mounts disks: the image's own programs, with what they
// write on the console. done takes what is to be remembered.
func tools(mounts []config.Mount, done func(line string)) boot.Tools {
	if !wantTools(mounts) {
		return boot.Tools{}
	}
	console := health.NewConsole()
	console.Open("/dev/kmsg")
	say := func(line string) { console.Say(health.Notice, line) }
	return boot.Tools{
		Run:  func(argv []string, limit time.Duration) (int, error) { return runTool(argv, limit, say) },
		Say:  say,
		Done: func(line string) { say(line); done(line) },
	}
}

func wantTools(mounts []config.Mount) bool {
	for i := range mounts {
		if mounts[i].Format != "" || mounts[i].Check || mounts[i].Grow != "" {
			return true
		}
	}
	return false
}

// disksTime is how long some mounts may take, with their tools and what each is awaited for.
func disksTime(mounts []config.Mount) (limit time.Duration) {
	limit = disksLimit
	for i := range mounts {
		limit += mounts[i].Wait
		if mounts[i].Format != "" {
			limit += boot.FormatLimit
		}
		if mounts[i].Check {
			limit += boot.CheckLimit
		}
		if mounts[i].Grow != "" {
			limit += boot.GrowLimit
		}
	}
	return limit
}

// runTool runs a program to its end, for limit at most, and says what it writes, a line each
// behind its name.
func runTool(argv []string, limit time.Duration, say func(string)) (exit int, err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 0, err
	}
	defer unix.Close(pipe[0])
	unix.SetNonblock(pipe[0], true)
	null, _ := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	defer unix.Close(null)
	c := launch.Command{Path: argv[0], Argv: argv, Env: launch.ProgramEnv(), Dir: "/", Away: true}
	pid, err := c.Spawn(pipe[1], null, pipe[1], pipe[1])
	unix.Close(pipe[1])
	if err != nil {
		return 0, err
	}
	name := argv[0][strings.LastIndexByte(argv[0], '/')+1:]
	text, lines := "", 0
	status, late, _ := DrainChild(pid, pipe[0], limit, func(b []byte) {
		text += string(b)
		for line, rest, ok := strings.Cut(text, "\n"); ok; line, rest, ok = strings.Cut(text, "\n") {
			if text = rest; line != "" && lines < maxToolLines {
				lines++
				say(name + ": " + line)
			}
		}
		text = text[max(0, len(text)-1024):]
	})
	switch {
	case late:
		return 0, errors.New(name + ": not done within " + limit.String() + ", killed")
	case status.Signaled():
		return 0, errors.New(name + ": killed by " + status.Signal().String())
	}
	return status.ExitStatus(), nil
}
