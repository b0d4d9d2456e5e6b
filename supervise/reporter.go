package supervise

import (
	"bufio"
	"os"
	"slices"

	"github.com/beaminit/beaminit/supervise/children"
	"golang.org/x/sys/unix"
)

// reporter is what the loop knows of a child that tells PID 1 lines about a network, which
// PID 1 itself does not read: its standard input ends when PID 1 or the child does, its
// standard output is a pipe of reports.
type reporter struct {
	hold    int // write end of its standard input; -1: none
	reports int // read end, until somebody reads it
	lines   chan []byte
}

func newReporter() reporter { return reporter{hold: -1, lines: make(chan []byte, 16)} }

// files are its descriptors. orders are written to its standard input, at once: they have to
// fit into a pipe.
func (r *reporter) files(null int, orders []byte) (children.Files, error) {
	var hold, reports [2]int
	if err := unix.Pipe2(hold[:], unix.O_CLOEXEC); err != nil {
		return children.Files{}, err
	}
	if err := unix.Pipe2(reports[:], unix.O_CLOEXEC); err != nil {
		children.CloseAll(hold[:])
		return children.Files{}, err
	}
	if len(orders) > 0 {
		unix.Write(hold[1], orders)
	}
	r.closeHold()
	r.hold, r.reports = hold[1], reports[0]
	return children.Files{Child: []int{hold[0], reports[1], null}, CloseChild: []int{hold[0], reports[1]}, CloseOwn: []int{reports[0]}}, nil
}

// closeHold is like closeOrders.
func (r *reporter) closeHold() {
	if r.hold >= 0 {
		unix.Close(r.hold)
	}
	r.hold = -1
}

// read hands on the lines of one child. A line that is longer than any report ends the
// reading, and with it the child's writing.
func (r *reporter) read(longest int, guard func()) {
	f := os.NewFile(uintptr(r.reports), "reports")
	go func() {
		defer guard()
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, longest)
		for lines.Scan() {
			r.lines <- slices.Clone(lines.Bytes())
		}
	}()
}
