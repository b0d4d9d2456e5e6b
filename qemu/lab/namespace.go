package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/qemu/lan"
	"github.com/beaminit/beaminit/qemu/namespace"
)

// launchNamespace starts the node as namespaces of this machine's kernel.
func (n *Node) launchNamespace() (*machine, error) {
	said, err := os.Create(filepath.Join(n.dir, logName[AsNS]))
	if err != nil {
		return nil, err
	}
	defer said.Close()
	s := namespace.Spec{Root: n.image().Root, Data: n.disk, Cmdline: n.cmdline(), Nice: n.lab.opts.Nice}
	for _, c := range n.cards {
		s.Cards = append(s.Cards, namespace.Card{Name: c.name, MAC: c.mac})
	}
	for i := range max(n.Spec.CPUs, 1) {
		s.CPUs = append(s.CPUs, n.place+i)
	}
	cmd, inside, err := namespace.Start(s, said, n.lab.spawn.start)
	if err != nil {
		return nil, err
	}
	console := namespace.NewConsole(inside)
	h := &hand{cmd: cmd}
	for i, dev := range inside.Cards {
		port := lan.NewTapPort(dev)
		h.ports = append(h.ports, port)
		n.lab.Switch.AttachAt(n.at(n.cards[i]), port, n.isCut(n.cards[i].on.Name))
	}
	return &machine{
		cmd: cmd, serial: console, shell: inside.Shell, qmp: h, gone: make(chan struct{}),
		ended: func() { console.End(); inside.Ended() },
	}, nil
}

// hand does to a namespace what QEMU's machine protocol does to a virtual machine, as far as that can be.
type hand struct {
	cmd   *exec.Cmd
	ports []*lan.TapPort
	reset atomic.Bool // the machine is to be started again
}

// What cannot be done to a namespace.
var (
	errNoDisk   = errors.New("its /data is a directory of this machine, not a disk: a namespace's can only be wiped")
	errNoDevice = errors.New("a namespace has no devices: nodes as virtual machines have (-as vm)")
)

func (h *hand) execute(command string, args map[string]any) error {
	switch command {
	case "stop", "cont":
		return h.freeze(command == "stop")
	case "quit":
		h.silence(true)
		return h.cmd.Process.Kill()
	case "system_reset":
		h.reset.Store(true)
		h.silence(true)
		return h.cmd.Process.Kill()
	case "system_powerdown": // what the power button means to its init
		return h.cmd.Process.Signal(unix.SIGUSR2)
	case "set_link":
		up, _ := args["up"].(bool)
		for i, p := range h.ports {
			if nicID(i) == args["name"] {
				return p.Carrier(up)
			}
		}
		return errNoDevice
	case "qom-set", "blockdev-add", "blockdev-reopen", "blockdev-del":
		return errNoDisk
	}
	return errNoDevice
}

func (h *hand) write(command string, args map[string]any) error { return h.execute(command, args) }

// freeze stops the processes and, since their kernel would go on to answer for them, the ports.
func (h *hand) freeze(frozen bool) error {
	h.silence(frozen)
	return namespace.Freeze(h.cmd.Process.Pid, frozen)
}

// silence has no frame come through, or all again. The kernel of a machine that is gone ends no connection, and
// that of a namespace would end all of them.
func (h *hand) silence(silent bool) {
	for _, p := range h.ports {
		p.Pause(silent)
	}
}

// howEnded says how PID 1 ended, and whether it is to be started again; empty: as no PID 1 is to end.
func (h *hand) howEnded(err error) (text string, again bool) {
	var exit *exec.ExitError
	var signal syscall.Signal
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		signal = exit.Sys().(syscall.WaitStatus).Signal()
	}
	switch {
	case h.reset.Load(), signal == syscall.SIGHUP: // a reboot in a pid namespace (reboot(2))
		return "lab: machine reset", true
	case signal == syscall.SIGINT: // and a power-off
		return "lab: the node powered itself off", false
	}
	return "", false
}
