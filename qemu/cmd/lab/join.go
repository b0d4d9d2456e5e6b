package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/health"
	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/lan"
	"github.com/beaminit/beaminit/release"
)

// cmdJoin runs a program as a host of the lab's LAN: in a network namespace of its own
// with a TAP device that is bridged to the switch. It needs no root: a user namespace
// gives the rights, which hold inside only (user_namespaces(7)).
func cmdJoin(e env, _ *flag.FlagSet, args []string) error {
	dir, err := e.setup.labDir()
	if err != nil {
		return err
	}
	s, err := labpkg.NewClient(dir).Status()
	if err != nil {
		return explain(err)
	}
	return e.join(dir, s, args)
}

// cmdRemsh is the Erlang shell of a node.
func cmdRemsh(e env, _ *flag.FlagSet, args []string) error {
	dir, err := e.setup.labDir()
	if err != nil {
		return err
	}
	s, err := labpkg.NewClient(dir).Status()
	if err != nil {
		return explain(err)
	}
	erl, home, err := remsh(dir, s, args[0])
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	return e.join(dir, s, erl)
}

// remsh is the command for the Erlang shell of a node, by the line that beaminit remote
// --print gives. The cookie is in home, a HOME of its own, which is the caller's to remove: everyone on this
// machine can read a command line.
func remsh(dir string, s labpkg.Status, name string) (erl []string, home string, err error) {
	i := slices.IndexFunc(s.Nodes, func(n labpkg.NodeStatus) bool { return n.Name == name })
	if i < 0 {
		return nil, "", fmt.Errorf("there is no node %q", name)
	}
	if n := s.Nodes[i]; n.State != health.Up && n.State != health.Degraded {
		return nil, "", fmt.Errorf("%s is %s: its Erlang cannot be reached", name, n.State)
	}
	cookie, err := os.ReadFile(filepath.Join(dir, "cookie"))
	if err != nil {
		return nil, "", err
	}
	if home, err = os.MkdirTemp(labpkg.RunDir(dir), "remsh-"); err != nil {
		return nil, "", err
	}
	if err := os.WriteFile(filepath.Join(home, ".erlang.cookie"), cookie, 0o400); err != nil {
		os.RemoveAll(home)
		return nil, "", err
	}
	c := release.Command{Node: s.Nodes[i].Erlang, Proto: "inet_tcp"}
	line, _ := c.RemoteShellLine(labpkg.Port, netip.Addr{}, false) // lab join has the nodes in its hosts file
	return []string{"env", "HOME=" + home, "sh", "-c", "exec " + line}, home, nil
}

// join runs a program as a host of the LAN of the lab in dir.
func (e env) join(dir string, s labpkg.Status, args []string) error {
	address, place, taken, err := e.seat(dir, s)
	if err != nil {
		return err
	}
	defer taken.Close()
	conn, err := lan.Dial(labpkg.LANSocket(dir, place))
	if err != nil {
		return err
	}
	defer conn.Close()
	file, err := conn.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return err
	}
	defer file.Close()
	hosts := "127.0.0.1 localhost\n" + address.Addr().String() + " lab\n"
	hosts += hostsOf(s)
	// Root has all users in there, so that what drops its privileges (dnsmasq) can do so.
	ids := 1
	if os.Getuid() == 0 {
		ids = 1 << 16
	}
	cmd := exec.Command("/proc/self/exe", append([]string{"joined", "-address", address.String(), "-hosts", hosts, "--"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, e.out, e.err
	cmd.ExtraFiles = []*os.File{file} // number 3
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: ids}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: ids}},
		// Root's own setgroups is for those that drop privileges.
		GidMappingsEnableSetgroups: os.Getuid() == 0,
	}
	signal.Ignore(os.Interrupt) // Ctrl-C is for the program
	return passStatus(cmd.Run())
}

// seat is the address that a host is to have, and the place of its LAN among those of the lab. It is the host's
// as long as taken is open.
func (e env) seat(dir string, s labpkg.Status) (address netip.Prefix, place int, taken *os.File, err error) {
	wanted, place, err := e.wanted(s)
	if err != nil {
		return address, 0, nil, err
	}
	var whose string
	for _, address := range wanted {
		i := slices.IndexFunc(s.Nodes, func(n labpkg.NodeStatus) bool { return n.Address == address.Addr().String() })
		if i >= 0 {
			whose = s.Nodes[i].Name
			continue
		}
		taken, err := labpkg.TakeAddress(dir, address.Addr())
		if err == nil {
			return address, place, taken, nil
		}
		if !errors.Is(err, labpkg.ErrTaken) {
			return address, 0, nil, err
		}
		whose = "another that has joined the LAN"
	}
	if len(wanted) > 1 {
		return address, 0, nil, fmt.Errorf("%v to %v are taken: name an address by -address", wanted[0].Addr(), wanted[len(wanted)-1].Addr())
	}
	return address, 0, nil, usageError(fmt.Sprintf("address %v is that of %s", wanted[0].Addr(), whose))
}

// hosts is how many addresses there are at the beginning of a LAN for those that join it and want no special one.
const hosts = 5

// wanted are the addresses that a host may have, all of one LAN.
func (e env) wanted(s labpkg.Status) (addresses []netip.Prefix, place int, err error) {
	lans := []netip.Prefix{labpkg.LAN}
	if len(s.LANs) > 0 {
		lans = nil
	}
	for _, on := range s.LANs {
		lans = append(lans, on.Prefix)
	}
	if e.address == "" {
		for i := range hosts {
			addresses = append(addresses, netip.PrefixFrom(labpkg.LANSpec{Prefix: lans[0]}.Host(1+i), lans[0].Bits()))
		}
		return addresses, 0, nil
	}
	address, err := netip.ParsePrefix(e.address)
	alone, notAlone := netip.ParseAddr(e.address)
	switch {
	case notAlone == nil:
		address = netip.PrefixFrom(alone, alone.BitLen())
	case err != nil:
		return nil, 0, usageError(fmt.Sprintf("address %q: want one such as 192.168.7.3", e.address))
	}
	place = slices.IndexFunc(lans, func(l netip.Prefix) bool { return l.Contains(address.Addr()) })
	if place < 0 {
		return nil, 0, usageError(fmt.Sprintf("address %v is on none of the lab's LANs: %v", address.Addr(), lans))
	}
	if notAlone == nil {
		address = netip.PrefixFrom(alone, lans[place].Bits())
	}
	return []netip.Prefix{address}, place, nil
}

// hostsOf are the nodes in the form of hosts(5), but for those that take an address by themselves.
func hostsOf(s labpkg.Status) (text string) {
	for _, n := range s.Nodes {
		if n.Address != "" {
			text += n.Address + " " + n.Name + "\n"
		}
	}
	return text
}

// passStatus makes the status of a program that ran the status of lab.
func passStatus(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
		return statusError(128 + status.Signal()) // as a shell has it
	}
	return statusError(exit.ExitCode())
}

type statusError int

func (e statusError) Error() string { return "exit status " + strconv.Itoa(int(e)) }

// cmdJoined is the inside of cmdJoin.
func cmdJoined(e env, _ *flag.FlagSet, args []string) error {
	conn, err := net.FileConn(os.NewFile(3, "lan"))
	if err != nil {
		return err
	}
	if err := unix.Sethostname([]byte("lab")); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := showHosts(e.hosts); err != nil {
		return err
	}
	address, err := netip.ParsePrefix(e.address)
	if err != nil {
		return usageError(err.Error())
	}
	if err := lan.LinkUp("lo"); err != nil {
		return err
	}
	tap, err := lan.Tap(conn, "lan0", address)
	if err != nil {
		return err
	}
	defer tap.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, e.out, e.err
	signal.Ignore(os.Interrupt)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go e.untilGone(cmd.Process, tap.Gone(), ended)
	err = cmd.Wait()
	close(ended)
	return passStatus(err)
}

// untilGone ends the program when there is no LAN any more, as a terminal does that is closed.
func (e env) untilGone(p *os.Process, gone, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-gone:
	}
	e.saying()("the lab has ended, and with it what joined its LAN")
	p.Signal(syscall.SIGHUP)
	p.Signal(syscall.SIGCONT) // for one that is stopped
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		p.Kill()
	}
}

// showHosts lays a hosts file over /etc/hosts, for this mount namespace.
func showHosts(text string) error {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	f, err := os.CreateTemp("", "lab-hosts-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = io.WriteString(f, text)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	if err := unix.Mount(f.Name(), "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("show %s as /etc/hosts: %w", f.Name(), err)
	}
	return nil
}
