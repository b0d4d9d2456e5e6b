package release

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// RemoteShell is a VM of the release's ERTS that comes to see the running release: a hidden
// node that listens nowhere, asks no epmd, and starts no application.
type RemoteShell struct {
	Name   string   // of its node, before the @; another one for each that is there at once
	Inetrc string   // path of a file that leads the host of the release to where it answers
	Env    []string // about its terminal
}

// remoteShellTicks has such a shell say each second that it is there, and wait minutes for the
// release (net_ticktime of kernel(6), and net_tickintensity of OTP 24): so it suits a
// release with any net_ticktime. Between nodes with the default, one that lets a cut-off
// peer go after a few seconds would let an idle shell go too.
const remoteShellTicks = "net_ticktime 240 net_tickintensity 240"

// RemoteShellCommand gives the arguments for erlexec and the environment of a remote shell, which first
// flags and, at the end, last are added to. c is what started the release. The cookie is not
// among the arguments, but in the HOME of the release.
func (r *Release) RemoteShellCommand(fsys FS, in *Inputs, c *Command, v RemoteShell, first, last []string) (argv, env []string, err error) {
	boot, err := r.cleanBoot(fsys)
	if err != nil {
		return nil, nil, err
	}
	carrier, err := r.carrier(in, c)
	if err != nil {
		return nil, nil, err
	}
	_, host, _ := strings.Cut(c.Node, "@")
	name := "-sname"
	if c.Long {
		name = "-name"
	}
	argv = append(append(make([]string, 0, 64), "erlexec"), first...)
	argv = append(argv,
		"+fnu", "+S", "1:1", "+SDcpu", "1:1", "+SDio", "1", // for one person, beside the release
		name, v.Name+"@"+host, "-hidden", "-dist_listen", "false",
		"-mode", "interactive",
	)
	argv = append(append(argv, boot...), r.libVars()...)
	for _, args := range [...][]string{r.args, in.Release.Args} {
		for vars := bootVars(args); len(vars) > 0; vars = vars[2:] {
			argv = append(argv, "-boot_var", vars[0], vars[1])
		}
	}
	argv = append(append(argv, "-kernel"), strings.Fields(remoteShellTicks)...)
	argv = append(argv, "-start_epmd", "false")
	port := strconv.Itoa(in.Distribution.Port)
	if r.portByKernel() {
		argv = append(argv, "-kernel", "erl_epmd_node_listen_port", port)
	} else {
		argv = append(argv, "-erl_epmd_port", port)
	}
	return append(append(argv, carrier...), last...), r.remoteShellEnv(in, c, v), nil
}

// cleanBoot gives the flags for a boot script that starts kernel and stdlib alone: the one
// that relx and mix put beside the release's own; else that itself, which systools makes
// alone, without permission for the others.
func (r *Release) cleanBoot(fsys FS) (flags []string, err error) {
	const clean = "/start_clean"
	if _, err := fsys.Mode(r.Dir + clean + ".boot"); err == nil {
		return []string{"-boot", r.Dir + clean}, nil
	}
	boot, err := fsys.Read(r.Boot+".boot", 64*maxFile)
	if err != nil {
		return nil, errors.New(r.Boot + ".boot: " + err.Error())
	}
	return []string{"-boot", r.Boot, "-kernel", "permissions", noApplications(boot)}, nil
}

// noApplications is the parameter permissions of kernel(6) that lets no application of a
// boot script start but kernel and stdlib.
func noApplications(boot []byte) string {
	b := []byte{'['}
	for _, dir := range codeDirs(boot) {
		dir = strings.TrimSuffix(dir, "/ebin")
		app, _, _ := strings.Cut(dir[strings.LastIndexByte(dir, '/')+1:], "-")
		if app == "kernel" || app == "stdlib" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(quoted(append(b, '{'), app, '\''), ",false}"...)
	}
	return string(append(b, ']'))
}

// carrier gives the flags of the carrier that the release's distribution has.
func (r *Release) carrier(in *Inputs, c *Command) ([]string, error) {
	if strings.HasPrefix(c.Proto, "epmdless") && r.sys.tls {
		return nil, errors.New("epmdless with TLS lets nobody in but its own nodes; want [distribution.tls]")
	}
	proto := carrierOf(c.Proto)
	flags := []string{"-proto_dist", proto}
	if in.Distribution.TLS.Cert != "" {
		return append(flags, "-ssl_dist_optfile", c.Tmp+"/tls.config"), nil
	}
	for _, args := range [...][]string{in.Release.Args, r.args} {
		for i, a := range args {
			if a == "-ssl_dist_optfile" || a == "-ssl_dist_opt" {
				flags = append(append(flags, a), valuesOf(args[i+1:])...)
			}
		}
	}
	return flags, nil
}

// valuesOf are the arguments before the next flag.
func valuesOf(args []string) []string {
	for i, a := range args {
		if isFlag(a) {
			return args[:i]
		}
	}
	return args
}

// carrierOf is the carrier of OTP that goes with that of a release. One of the release's
// own is a module that a shell does not have, and in all that are known (epmdless,
// Caravan) it is TCP as usual with another way to find the port.
func carrierOf(proto string) string {
	switch proto {
	case "inet_tcp", "inet6_tcp", "inet_tls", "inet6_tls":
		return proto
	}
	return "inet_tcp"
}

// remoteShellEnv is the environment of the release without what is for one start of it.
func (r *Release) remoteShellEnv(in *Inputs, c *Command, v RemoteShell) []string {
	env := r.baseEnv(c.Tmp, "", len(in.Release.Env)+4)
	for _, e := range in.Release.Env {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "ERL_") && !r.script.takes(name) && !r.script.bringsFlags(name) && name != r.script.cookie {
			env = set(env, e)
		}
	}
	for _, e := range append(v.Env, "HOME="+c.Home(), "ERL_INETRC="+v.Inetrc, "ERL_CRASH_DUMP_SECONDS=0", "RELEASE_NODE="+c.Node) {
		env = set(env, e)
	}
	return env
}

// Home is the directory in which the running release has its cookie, .erlang.cookie.
func (c *Command) Home() string { return valueOf(c.Env, "HOME") }

// InTmp has Home be the directory of the command where the HOME of its environment could
// not take the cookie when the release was started (Prepare).
func (c *Command) InTmp(fsys FS) {
	if _, err := fsys.Mode(c.cookiePath()); err == nil {
		return
	}
	if _, err := fsys.Mode(c.Tmp + "/.erlang.cookie"); err == nil {
		c.Env = set(c.Env, "HOME="+c.Tmp)
	}
}

// Inetrc is the text of a file for ERL_INETRC (kernel's inetrc, "Inet Configuration") by
// which a host leads to an address.
func Inetrc(host string, a netip.Addr) string {
	b := []byte("{host,{")
	if a = a.Unmap(); a.Is4() {
		for i, n := range a.As4() {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendUint(b, uint64(n), 10)
		}
	} else {
		six := a.As16()
		for i := 0; i < 16; i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendUint(append(b, "16#"...), uint64(six[i])<<8|uint64(six[i+1]), 16)
		}
	}
	return string(quoted(append(b, "},["...), host, '"')) + "]}. {lookup,[file]}."
}
