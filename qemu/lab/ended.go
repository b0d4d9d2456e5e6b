package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/beaminit/beaminit/qemu/watch"
)

// ended notes that a machine is gone, and starts one anew where it went down for a reboot.
func (n *Node) ended(m *machine, err error) {
	text, again := n.howEnded(m, err)
	n.mu.Lock()
	n.machine, n.faults = nil, nil // a new machine has none
	n.view.Powered(false, time.Now())
	n.mu.Unlock()
	n.note(text)
	if again {
		if err := n.Start(); err != nil {
			n.note("lab: " + err.Error())
		}
	}
	close(m.gone)
}

// howEnded says how a machine ended, by what waiting for it gave. QEMU goes through a reboot by itself.
func (n *Node) howEnded(m *machine, err error) (text string, again bool) {
	h, isNamespace := m.qmp.(*hand)
	if isNamespace {
		if text, again = h.howEnded(err); text != "" {
			return text, again
		}
	}
	var exit *exec.ExitError
	switch {
	case !errors.As(err, &exit), m.killed.Load():
		text = "lab: machine off"
	case exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
		text = "lab: machine killed, and not by the lab: this machine may be short of memory (dmesg tells)"
	case isNamespace:
		text = fmt.Sprintf("lab: PID 1 ended, %v; a kernel would panic%s", err, n.lastWord())
	default:
		text = "lab: machine ended, " + exit.String() + n.lastWord()
	}
	return text, false
}

// lastWord is the last line that the machine's program has said, behind a colon; empty: none.
func (n *Node) lastWord() string {
	said, _ := os.ReadFile(filepath.Join(n.dir, logName[n.lab.opts.As]))
	if line := strings.TrimSpace(watch.Clean(lastLine(string(said)))); line != "" {
		return ": " + line
	}
	return ""
}

// logName is the file in a node's directory that has what its program said, by what nodes are.
var logName = map[string]string{AsVM: "qemu.log", AsNS: "init.log"}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
