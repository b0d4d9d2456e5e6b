package config

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config/cmdline"
	"github.com/beaminit/beaminit/config/lex"
)

// isList says whether a field takes several values.
func isList(field any) bool {
	switch field.(type) {
	case *[]string, *[]int, *command, *commands, *env, *cgroup, *[]netip.Addr, addresses, backoff:
		return true
	}
	return false
}

// kernelParam takes over one of the well-known parameters of the kernel, whose words
// are those of Documentation/admin-guide/kernel-parameters.txt. All others are none of
// our business.
func (l *loader) kernelParam(p cmdline.Param) {
	r := &l.c.Root
	switch p.Name {
	case "ip", "nfsaddrs":
		if !p.Bare {
			l.ip(p.Value)
		}
	case "hostname":
		l.hostnameParam(HostnameParam, p)
	case "systemd.hostname", "systemd-hostname", "systemd_hostname":
		l.hostnameParam(SystemdHostname, p)
	case "systemd.machine_id", "systemd-machine-id", "systemd_machine_id":
		l.machineID(p)
	case "console":
		name, _, _ := strings.Cut(p.Value, ",")
		l.c.Console.kernel = append(l.c.Console.kernel, name)
	case "root":
		l.rootWord(&r.Device, p)
	case "rootfstype":
		l.rootWord(&r.Type, p)
	case "dm-mod.create":
		l.rootWord(&r.Map, p)
	case "rootflags":
		l.rootWord(&r.Flags, p)
	case "init":
		if p.Bare || !isAbs(p.Value) || !lex.IsPrintable(p.Value) {
			l.badWord(p, " is no absolute path", "the path of the init program", strconv.Quote(r.Program))
			return
		}
		l.rootWord(&r.Program, p)
	case "ro", "rw":
		if p.Bare {
			r.Write = p.Name == "rw"
			l.mark("rw", "", Cmdline)
		}
	case "rootwait":
		if p.Bare {
			r.Wait = -1
			l.mark(p.Name, "", Cmdline)
			return
		}
		l.rootSeconds(&r.Wait, p)
	case "rootdelay":
		l.rootSeconds(&r.Delay, p)
	default:
		l.foreignParam(p)
	}
}

// badWord is a problem of the value of a parameter of the kernel.
func (l *loader) badWord(p cmdline.Param, what, want, used string) {
	l.problem(Cmdline, []string{p.Name}, fault{what: lex.Quote(p.Value) + what, want: want, used: used})
}

// rootWord takes over a string. Without a value the kernel too takes no notice.
func (l *loader) rootWord(field *string, p cmdline.Param) {
	switch {
	case p.Bare:
		return
	case !lex.IsPrintable(p.Value):
		l.badWord(p, " has control characters or is not UTF-8", "printable text", strconv.Quote(*field))
		return
	}
	*field = p.Value
	l.mark(p.Name, "", Cmdline)
}

// rootSeconds takes over a number of seconds, in any base that kstrtouint(…, 0, …)
// reads. A bad rootwait= makes the kernel wait for ever; PID 1 does not.
func (l *loader) rootSeconds(field *time.Duration, p cmdline.Param) {
	n, err := strconv.ParseUint(p.Value, 0, 31)
	if err != nil {
		l.badWord(p, " is no number of seconds", "0 to 2147483647", field.String())
		return
	}
	*field = time.Duration(n) * time.Second
	l.mark(p.Name, "", Cmdline)
}

func (l *loader) hostnameParam(from Source, p cmdline.Param) {
	if p.Bare {
		return
	}
	if _, faults := l.setHostname(from, p.Value); faults != nil {
		l.hostnameProblem(from, faults[0])
	}
}
