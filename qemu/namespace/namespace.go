// Package namespace is a node of the lab that is no virtual machine: pid, mount, network, host
// name, IPC, cgroup and time namespaces of this machine's kernel, in which the real init is PID 1 on
// a root of its own. What its kernel log, second serial port and network cards are comes to the lab
// as descriptors, so nothing of it has a name outside, and all of it ends with the process.
//
// It needs root. What would be the whole machine's is kept from the node: kernel settings but those
// of the network, cgroups, device nodes, modules, the clock.
package namespace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spec says what a node has.
type Spec struct {
	Root    string // directory: its root, read-only, and many nodes' at once
	Data    string // directory: shown at DataAt
	Cmdline string // what it has as its kernel's command line
	Cards   []Card // its network cards
	CPUs    []int  // the processors that it has, by their places among those of this process; empty: all
	Nice    int    // its niceness (setpriority(2))
}

// Card is a network card.
type Card struct {
	Name string // eth0
	MAC  string
}

// Node is a node that runs.
type Node struct {
	Log   *os.File   // what it writes to its kernel log, a record a write
	Shell *os.File   // the other end of its /dev/ttyS1
	Cards []*os.File // in the order of Spec.Cards, each a TAP device
	held  *os.File   // the tty itself, without which Shell would be at its end
}

// marker is what a process is called that becomes a node; see Main.
const marker = "beaminit-lab-node"

// cloned are the namespaces that a node is cloned into; a time namespace cannot be among them
// (time_namespaces(7)).
const cloned = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP

// Start starts a node by start, which is to start a process; its first process is that of cmd, which has
// what it says where it cannot become a node, and whatever PID 1 says on its standard error, in said.
// The program that calls it has Main as the first thing in its main.
func Start(s Spec, said *os.File, start func(*exec.Cmd) error) (*exec.Cmd, *Node, error) {
	spec, err := json.Marshal(s)
	if err != nil {
		return nil, nil, err
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{marker, string(spec)}, Env: []string{"HOME=/", "TERM=linux"},
		ExtraFiles: []*os.File{theirs}, Stderr: said, SysProcAttr: &syscall.SysProcAttr{Cloneflags: cloned},
	}
	err = start(cmd)
	theirs.Close()
	if err != nil {
		if errors.Is(err, unix.EPERM) {
			err = fmt.Errorf("a node as a namespace needs root: %w", err)
		}
		return nil, nil, err
	}
	n, err := take(ours, len(s.Cards))
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, nil, err
	}
	return cmd, n, nil
}

// take takes a node's descriptors, and waits until its init is executed.
func take(from *os.File, cards int) (*Node, error) {
	conn, err := net.FileConn(from)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var first [1]byte
	room := make([]byte, unix.CmsgSpace(4*(3+cards)))
	_, k, _, _, err := conn.(*net.UnixConn).ReadMsgUnix(first[:], room)
	if err != nil && err != io.EOF {
		return nil, err
	}
	files, err := received(room[:k])
	if err != nil {
		return nil, err
	}
	// The end of the stream is the exec of the init; before it, whatever stands in the way is told.
	if text, err := io.ReadAll(conn); len(text) > 0 || err != nil || len(files) != 3+cards {
		for _, f := range files {
			f.Close()
		}
		return nil, fmt.Errorf("it did not become a node: %s%w", first[:], errors.Join(err, errors.New(string(text))))
	}
	return &Node{Log: files[0], Shell: files[1], held: files[2], Cards: files[3:]}, nil
}

func received(room []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(room)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "of a node"))
		}
	}
	return files, nil
}

// Ended closes what nobody reads to its end: the cards, and the tty. The log and the shell are the caller's.
func (n *Node) Ended() {
	for _, f := range append([]*os.File{n.held}, n.Cards...) {
		f.Close()
	}
}

// Prefer lets this process run before the nodes (setpriority(2)), and gives the niceness that they are to have,
// which is the one it had: it is the LAN that joins them, and frames that no LAN would lose are lost where fifty
// nodes are in its way. It is for the beginning, since threads have theirs from the one that made them.
var Prefer = sync.OnceValue(func() (nodes int) {
	had, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return 0
	}
	nodes = 20 - had // the system call itself gives no negative number (getpriority(2))
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			unix.Setpriority(unix.PRIO_PROCESS, id, nodes-15)
		}
	}
	return nodes
})
