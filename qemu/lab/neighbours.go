package lab

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// neighbourLimits are how many neighbours the kernel knows, in all of its network namespaces together
// (arp(7), gc_thresh3): 1,024. Beyond it, whoever is not known yet is unreachable.
var neighbourLimits = []string{"/proc/sys/net/ipv4/neigh/default/gc_thresh3", "/proc/sys/net/ipv6/neigh/default/gc_thresh3"}

// allowNeighbours lets the kernel know all neighbours of nodes that are namespaces, as long as the lab lasts:
// of n nodes, each knows all others. What it changes it changes back in a process of its own, which
// sees the end of this one, whatever ends it.
func (l *Lab) allowNeighbours() error {
	n := len(l.opts.Nodes)
	want := 2 * n * n // and those of others
	for _, file := range neighbourLimits {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) { // no IPv6
			continue
		}
		have, err2 := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || err2 != nil || have >= want {
			continue
		}
		back, err := changeBack(file, have)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		l.onClose(func() { back.Close() })
		if err := os.WriteFile(file, []byte(strconv.Itoa(want)), 0); err != nil {
			return fmt.Errorf("%d nodes as namespaces want %d neighbours: %w", n, want, err)
		}
		l.opts.Say(fmt.Sprintf("%s is %d, and not %d, as long as the lab lasts", file, want, have))
	}
	return nil
}

// changeBack writes a value to a file when what it returns is closed, which is also at the end of this process.
func changeBack(file string, value int) (io.Closer, error) {
	cmd := exec.Command("sh", "-c", `cat >/dev/null; echo "$1" >"$0"`, file, strconv.Itoa(value))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a signal to the lab's group is not for it
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return closerFunc(func() error {
		in.Close()
		return cmd.Wait()
	}), nil
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }
