package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/qemu/watch"
)

// Record is a node's health record.
type Record = health.Record

// Node is one node of a running lab. Its methods may be called from any goroutine.
type Node struct {
	Spec  NodeSpec
	lab   *Lab
	dir   string // run/NAME
	cards []card
	place int // among the nodes
	disk  string
	con   *watch.Console

	secrets map[string]string // files of its data disk

	mu      sync.Mutex
	view    watch.View
	cut     []string // the LANs that it is off
	faults  []string // of the machine: unplugged, stopped, disk slow, disk readonly
	machine *machine // nil: off
}

// machine is one run of QEMU, or of a namespace.
type machine struct {
	cmd    *exec.Cmd // QEMU, or PID 1
	serial SerialPort
	shell  SerialPort // the second serial port
	sits   sync.Mutex // held by who sits at it
	qmp    monitor
	killed atomic.Bool   // by the lab
	ended  func()        // called when it has ended and not all is read yet that it said; nil: nothing to do
	gone   chan struct{} // closed when it has ended and been waited for
}

// kill ends it as a power cut does: nothing more is heard of it.
func (m *machine) kill() error {
	m.killed.Store(true)
	if h, is := m.qmp.(*hand); is {
		h.silence(true)
	}
	return m.cmd.Process.Kill()
}

// SerialPort is our end of a serial port.
type SerialPort interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// monitor does to a machine what QEMU's machine protocol has words for.
type monitor interface {
	execute(command string, args map[string]any) error
	write(command string, args map[string]any) error // without waiting for the answer
}

// Name is the node's host name.
func (n *Node) Name() string { return n.Spec.Name }

// Disk is the file of its data disk.
func (n *Node) Disk() string { return n.disk }

// Start starts the node's machine; to start one that runs is an error.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lab.closed.Load() {
		return errors.New("the lab is being taken down")
	}
	if n.machine != nil {
		return fmt.Errorf("%s runs already", n.Spec.Name)
	}
	m, err := n.launch()
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Spec.Name, err)
	}
	n.machine = m
	n.view.Powered(true, time.Now())
	read := make(chan struct{})
	go func() {
		n.read(m.serial)
		close(read)
	}()
	go func() {
		err := m.cmd.Wait()
		if m.ended != nil {
			m.ended()
		}
		<-read // the last words are read before the node is called off
		m.shell.Close()
		n.ended(m, err)
	}()
	return nil
}

// note makes an event of something that the lab saw or did.
func (n *Node) note(text string) {
	n.mu.Lock()
	n.view.Event = text
	n.mu.Unlock()
	n.lab.event(n.Spec.Name, text)
}

// read takes the serial console until the machine ends.
func (n *Node) read(serial io.ReadCloser) {
	buf := make([]byte, 16<<10)
	for {
		k, err := serial.Read(buf)
		for _, line := range n.con.Took(buf[:k]) {
			n.mu.Lock()
			_, isEvent := n.view.Line(line, time.Now())
			event := n.view.Event
			n.mu.Unlock()
			if isEvent {
				n.lab.event(n.Spec.Name, event)
			}
		}
		if err != nil {
			serial.Close()
			return
		}
	}
}

// current gives the machine that runs, or an error.
func (n *Node) current() (*machine, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.machine == nil {
		return nil, fmt.Errorf("%s is off", n.Spec.Name)
	}
	return n.machine, nil
}

// Kill ends the node's machine at once, as if its power failed (kill -9 of QEMU), and
// returns when it is gone.
func (n *Node) Kill() error {
	m, err := n.current()
	if err != nil {
		return err
	}
	if err := m.kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", n.Spec.Name, err)
	}
	<-m.gone
	return nil
}

// Stop ends the node's machine in order (QMP quit): QEMU writes its disks; the guest
// is not asked. It kills it where it takes more than five seconds.
func (n *Node) Stop() error {
	m, err := n.current()
	if err != nil {
		return err
	}
	m.killed.Store(true)
	m.qmp.write("quit", nil)
	select {
	case <-m.gone:
		return nil
	case <-time.After(5 * time.Second):
	}
	if err := n.Kill(); err != nil && n.Running() {
		return err
	}
	return nil
}

// Running tells whether there is a machine.
func (n *Node) Running() bool {
	_, err := n.current()
	return err == nil
}

// Write types on the node's serial console.
func (n *Node) Write(p []byte) (int, error) {
	m, err := n.current()
	if err != nil {
		return 0, err
	}
	m.serial.SetWriteDeadline(time.Now().Add(2 * time.Second)) // a guest need not read
	return m.serial.Write(p)
}

// Shell gives the node's second serial port, ttyS1, to one who then has it alone, until
// leave is called or the machine is off. What nobody reads there stays on the way, as
// with a cable: some 100 KiB, and then the port takes no more.
func (n *Node) Shell() (port SerialPort, leave func(), err error) {
	m, err := n.current()
	if err != nil {
		return nil, nil, err
	}
	if !m.sits.TryLock() {
		return nil, nil, fmt.Errorf("somebody sits at the second serial port of %s already", n.Spec.Name)
	}
	return m.shell, m.sits.Unlock, nil
}

// Monitor gives QEMU a command of its machine protocol that needs no arguments: "stop"
// freezes the node, "cont" lets it go on, "system_reset" is its reset button.
func (n *Node) Monitor(command string) error { return n.execute(command, nil) }

// AddDevice plugs a device into the running machine (QMP device_add, with these arguments), RemoveDevice
// takes it out again by its id.
func (n *Node) AddDevice(device map[string]any) error { return n.execute("device_add", device) }

// RemoveDevice: see AddDevice.
func (n *Node) RemoveDevice(id string) error {
	return n.execute("device_del", map[string]any{"id": id})
}

func (n *Node) execute(command string, args map[string]any) error {
	m, err := n.current()
	if err != nil {
		return err
	}
	switch err := m.qmp.execute(command, args); {
	case errors.Is(err, errNoDisk), errors.Is(err, errNoDevice):
		return fmt.Errorf("%s: %w", n.Spec.Name, err)
	case err != nil:
		return fmt.Errorf("%s of %s: %w", command, n.Spec.Name, err)
	}
	return nil
}

// SysRq presses a magic SysRq key on the node's serial console (kernel
// Documentation/admin-guide/sysrq.rst): with 'f' the kernel kills the program that uses
// most memory, which is the Erlang VM, by SIGKILL; 'b' reboots, 'c' panics. The kernel
// takes all keys only with sysrq_always_enabled on its command line.
func (n *Node) SysRq(key byte) error {
	m, err := n.current()
	if err != nil {
		return err
	}
	if err := m.qmp.execute("chardev-send-break", map[string]any{"id": "serial"}); err != nil {
		return fmt.Errorf("break on the console of %s: %w", n.Spec.Name, err)
	}
	time.Sleep(100 * time.Millisecond) // the break goes another way than the key, and must be first
	_, err = n.Write([]byte{key})
	return err
}

// Last gives the last record of this boot, and whether there is one.
func (n *Node) Last() (Record, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.view.Last()
}

// Tail gives the last lines of the console.
func (n *Node) Tail(lines int) []string { return n.con.Tail(lines) }
