package cli

import (
	"errors"
	"os"
	"strings"

	"github.com/beaminit/beaminit/node"
)

// complain says on standard error why a command does nothing, and gives its exit status.
func complain(command, why string) int {
	os.Stderr.WriteString("beaminit " + command + ": " + why + "\n")
	return exitUnable
}

// optionValue is the value of the option args[i]: --name=VALUE, or the next argument. last is
// the index of the argument with the value.
func optionValue(args []string, i int) (value string, last int, err error) {
	name, value, has := strings.Cut(args[i], "=")
	if has {
		return value, i, nil
	}
	if i+1 == len(args) {
		return "", i, errors.New(name + " wants a value")
	}
	return args[i+1], i + 1, nil
}

// options are the arguments of plan and check.
type options struct {
	root    string // where the image lies on this machine
	cmdline string
	json    bool
	all     bool // of plan: what is built in too
}

// parseOptions reads the arguments behind the name of the command. Without --root and
// --cmdline both are those of this machine.
func parseOptions(args []string) (o options, err error) {
	o.root = "/"
	given := false
	for i := 1; i < len(args); i++ {
		switch name, _, _ := strings.Cut(args[i], "="); {
		case args[i] == "--json":
			o.json = true
		case args[i] == "--all":
			o.all = true
		case name == "--root":
			given = true
			o.root, i, err = optionValue(args, i)
		case name == "--cmdline":
			given = true
			o.cmdline, i, err = optionValue(args, i)
		default:
			err = errors.New("no option " + args[i] + "; want --root DIR, --cmdline STR, --all, --json")
		}
		if err != nil {
			return o, err
		}
	}
	if st, err := os.Stat(o.root); err != nil || !st.IsDir() {
		return o, errors.New("--root " + o.root + ": no such directory")
	}
	if !given {
		o.cmdline = node.Cmdline()
	}
	return o, nil
}
