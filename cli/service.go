package cli

import (
	"strings"

	"github.com/beaminit/beaminit/supervise/control"
)

// Service lists the services of the configuration, or starts or stops one:
// beaminit service [NAME [start|stop|restart]].
func Service(args []string) int {
	a, status := begin(args, 2)
	if status != exitOK {
		return status
	}
	defer a.conn.Close()
	answer, err := a.conn.Ask(control.Service, strings.Join(args[1:], " "), answerWait)
	if err != nil {
		return a.unheard(err)
	}
	if answer.Verdict != control.OK {
		return a.fail(answer.Text)
	}
	if answer.Text == "" {
		answer.Text = "no service is configured"
	}
	say(answer.Text)
	return exitOK
}
