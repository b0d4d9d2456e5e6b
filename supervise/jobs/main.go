package jobs

import (
	"encoding/json"
	"io"
	"os"

	"github.com/beaminit/beaminit/internal/fault"
	"github.com/beaminit/beaminit/internal/proc"
)

// Main is that program: args are Name and the name of the job, work does it. Its
// answer is whole as soon as its standard output is closed, though a thread of it may hang.
func Main(args []string, work func(name string, order []byte) (answer any, err error)) int {
	proc.SetName(Name)
	complain := func(text string) int {
		os.Stderr.WriteString(Name + ": " + text + "\n")
		return 2
	}
	if len(args) != 2 {
		return complain("is for PID 1 to call")
	}
	order, err := io.ReadAll(os.Stdin)
	if err != nil {
		return complain(args[1] + ": " + err.Error())
	}
	fault.At("job-" + args[1])
	answer, err := work(args[1], order)
	if err != nil {
		return complain(args[1] + ": " + err.Error())
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return complain(args[1] + ": " + err.Error())
	}
	os.Stdout.Write(text)
	os.Stdout.Close()
	return 0
}
