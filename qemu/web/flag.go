package web

import (
	"fmt"
	"strconv"
)

// Flag is -web of a command line: a page at a port that is free, or with a value at that one.
type Flag struct {
	On   bool
	Port int // 0: one that is free
}

func (f *Flag) IsBoolFlag() bool { return true }

func (f *Flag) String() string { return "" }

func (f *Flag) Set(text string) error {
	if on, err := strconv.ParseBool(text); err == nil {
		*f = Flag{On: on}
		return nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("want -web, or -web=PORT, such as -web=8090")
	}
	*f = Flag{On: true, Port: int(port)}
	return nil
}

// FlagHelp is what the help says of it.
const FlagHelp = "show the nodes on a page for a browser of this machine too, at http://127.0.0.1; " +
	"its address, with a token, is printed; -web=PORT: at this port"
