package config

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
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
func (l *loader) kernelParam(p param) {
	r := &l.c.Root
	switch p.name {
	case "ip", "nfsaddrs":
		if !p.bare {
			l.ip(p.value)
		}
	case "hostname":
		l.hostnameParam(HostnameParam, p)
	case "systemd.hostname", "systemd-hostname", "systemd_hostname":
		l.hostnameParam(SystemdHostname, p)
	case "systemd.machine_id", "systemd-machine-id", "systemd_machine_id":
		l.machineID(p)
	case "console":
		name, _, _ := strings.Cut(p.value, ",")
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
		if p.bare || !isAbs(p.value) || !printable(p.value) {
			l.problem(Cmdline, []string{p.name}, 0, fault{what: quote(p.value) + " is no absolute path", want: "the path of the init program", used: strconv.Quote(r.Program)})
			return
		}
		l.rootWord(&r.Program, p)
	case "ro", "rw":
		if p.bare {
			r.Write = p.name == "rw"
			l.mark("rw", "", Cmdline)
		}
	case "rootwait":
		if p.bare {
			r.Wait = -1
			l.mark(p.name, "", Cmdline)
			return
		}
		l.rootSeconds(&r.Wait, p)
	case "rootdelay":
		l.rootSeconds(&r.Delay, p)
	default:
		l.foreignParam(p)
	}
}

// rootWord takes over a string. Without a value the kernel too takes no notice.
func (l *loader) rootWord(field *string, p param) {
	switch {
	case p.bare:
		return
	case !printable(p.value):
		l.problem(Cmdline, []string{p.name}, 0, fault{what: quote(p.value) + " has control characters or is not UTF-8", want: "printable text", used: strconv.Quote(*field)})
		return
	}
	*field = p.value
	l.mark(p.name, "", Cmdline)
}

// rootSeconds takes over a number of seconds, in any base that kstrtouint(…, 0, …)
// reads. A bad rootwait= makes the kernel wait for ever; PID 1 does not.
func (l *loader) rootSeconds(field *time.Duration, p param) {
	n, err := strconv.ParseUint(p.value, 0, 31)
	if err != nil {
		l.problem(Cmdline, []string{p.name}, 0, fault{what: quote(p.value) + " is no number of seconds", want: "0 to 2147483647", used: field.String()})
		return
	}
	*field = time.Duration(n) * time.Second
	l.mark(p.name, "", Cmdline)
}

func (l *loader) hostnameParam(from Source, p param) {
	if p.bare {
		return
	}
	if _, faults := l.setHostname(from, p.value); faults != nil {
		l.problem(from, []string{"node", "hostname"}, 0, faults[0])
	}
}
