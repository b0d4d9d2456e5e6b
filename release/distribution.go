package release

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config"
)

// distSettings is how the configuration wants nodes to find each other and to talk.
type distSettings struct {
	port   string
	module string // distribution.epmd = "module:NAME"
	daemon bool   // distribution.epmd = "daemon"
	tls    bool   // [distribution.tls]
}

func distSettingsOf(d *config.Distribution) distSettings {
	module, is := strings.CutPrefix(d.EPMD, "module:")
	if !is {
		module = ""
	}
	return distSettings{strconv.Itoa(d.Port), module, d.EPMD == "daemon", d.TLS != config.TLS{}}
}

// usesTLS and usesPort say why a flag of the release has no effect.
const (
	usesTLS  = "distribution.tls is used"
	usesPort = "distribution.port is used"
)

// start says why -start_epmd of the release has no effect.
func (w *distSettings) start() string {
	if w.daemon {
		return "beaminit starts epmd (distribution.epmd)"
	}
	return "the node runs without epmd"
}

// codeMode is how the VM loads code. The application crypto, on which TLS rests, is ready
// in embedded mode only after the boot script, and so too late for the mesh that kernel
// makes while it starts; in interactive mode it is there when it is wanted.
func (f *filter) codeMode() string {
	switch {
	case f.mode != "":
		return f.mode
	case f.interactive: // as erl(1) does, and so erlinit
		return "interactive"
	case f.tls || strings.HasSuffix(f.proto, "_tls"):
		return "interactive"
	}
	return "embedded"
}

// protoDist keeps the carrier of the distribution that the release names, unless the
// configuration names another. That of epmdless is the usual one with ports of its
// own: without its -epmd_module the usual one does.
func (f *filter) protoDist(kept []string, flag string, values []string, first string) []string {
	why := ""
	switch {
	case f.tls:
		why = usesTLS
	case strings.HasPrefix(first, "epmdless") && f.module == "":
		f.lost = true
		why = "it is plain TCP with a port of its own; distribution.port is used"
	case f.proto != "":
		why = "given twice it means plain TCP; -proto_dist " + f.proto + " is used"
	default:
		f.proto = first
		return append(append(kept, flag), values...)
	}
	f.drop(flag, values, why)
	return kept
}

// epmdModule leaves a module out that is not the one of the configuration.
func (f *filter) epmdModule(flag string, values []string, name string) {
	if name == f.module {
		return
	}
	why := "distribution.epmd is used"
	if f.module == "" && !f.daemon {
		why = "the nodes find each other by distribution.port and the hosts file; with distribution.epmd = \"module:" + name + "\" it is used"
	}
	f.drop(flag, values, why)
}

// distribution gives the flags of erl(1) and kernel(6) by which nodes find each other
// and talk, and notes in c what else has to be known about it.
//
// The port stands there with a module too, where the configuration says it: for what the
// module does not know, the VM asks its own, which then knows it. Where nobody says it,
// the module decides, and who is to be probed where is not known.
func (r *Release) distribution(in *Inputs, c *Command, n *naming, f *filter) []string {
	c.Proto, c.Daemon = f.proto, f.daemon
	c.Interface = listensOn(f.listens)
	if !c.Interface.IsValid() {
		c.Interface = listensOn(r.sys.listens)
	}
	switch {
	case n.none:
		c.Daemon, c.Unnamed, c.Unprobed = false, true, "the node has no name (distribution.names)"
		return nil
	case f.silent != "":
		c.Unprobed = f.silent
	case r.sys.silent:
		c.Unprobed = r.SysConfig + ": start_distribution is false"
	case f.portOfModule():
		c.Unprobed = "the port is that of the module " + f.module + "; want distribution.port where it is known"
		c.note("distribution.epmd: the module " + f.module + " decides on the port; " +
			"with distribution.port it would be known to the probe, beaminit remote and rpc too")
	}
	if r.sys.port != "" && r.sys.port != f.port && f.module == "" {
		c.note(r.SysConfig + ": inet_dist_listen_min " + shown(r.sys.port) + " is without effect: " + usesPort)
	}
	flags := append(make([]string, 0, 8), "-start_epmd", "false")
	if !f.daemon && !r.portByKernel() && !f.portOfModule() {
		flags = append(flags, "-erl_epmd_port", f.port)
	}
	if f.module != "" {
		flags = append(flags, "-epmd_module", f.module)
	}
	if f.mode == "" && !f.interactive && f.codeMode() == "interactive" {
		c.note("with TLS: -mode interactive is used; in embedded mode crypto is ready too late for the mesh at boot")
	}
	switch {
	case f.tls:
		c.Proto = "inet_tls"
		if in.IPv6 {
			c.Proto = "inet6_tls"
		}
		flags = append(flags, "-proto_dist", c.Proto, "-ssl_dist_optfile", c.Tmp+"/tls.config")
		if f.mode == "embedded" && in.Distribution.Connect {
			c.note("-mode embedded of the release: TLS is ready too late for the mesh that distribution.connect makes; " +
				"want the release to connect its nodes, or -mode interactive")
		}
		c.Files = append(c.Files, File{c.Tmp + "/tls.config", 0o600, tlsConfig(&in.Distribution.TLS), false})
	case f.proto == "" && in.IPv6:
		c.Proto = "inet6_tcp"
		flags = append(flags, "-proto_dist", c.Proto)
		c.note("all peers have IPv6 addresses: -proto_dist inet6_tcp is used")
	case f.proto == "":
		c.Proto = "inet_tcp"
	}
	return flags
}

// portOfModule says whether the port is what a module of the release says, and nobody
// else. Those of epmdless have it from the configuration.
func (f *filter) portOfModule() bool {
	return f.module != "" && !f.portGiven && !strings.HasPrefix(f.module, "epmdless")
}

// listensOn reads the address of inet_dist_use_interface, a tuple of Erlang such as
// {10,77,0,11}; the zero Addr: it is none, or any address of the node.
func listensOn(tuple string) netip.Addr {
	fields := strings.Split(strings.Trim(tuple, "{} "), ",")
	var b []byte
	for _, f := range fields {
		bits := 8
		if len(fields) == 8 {
			bits = 16
		}
		n, err := strconv.ParseUint(strings.TrimSpace(f), 0, bits)
		if err != nil {
			return netip.Addr{}
		}
		if bits == 16 {
			b = append(b, byte(n>>8))
		}
		b = append(b, byte(n))
	}
	a, _ := netip.AddrFromSlice(b)
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// TLS says whether distribution is inside of TLS, as far as the flags tell.
func (c *Command) TLS() bool { return strings.HasSuffix(c.Proto, "_tls") }

// IPv6 says whether distribution is over IPv6.
func (c *Command) IPv6() bool { return strings.HasPrefix(c.Proto, "inet6_") }

// tlsConfig is what -ssl_dist_optfile names (ssl application, "Using TLS for Erlang
// Distribution"): both sides show a certificate and judge that of the other.
func tlsConfig(t *config.TLS) []byte {
	files := "{verify,verify_peer},\n  {certfile," + term(t.Cert) + "},\n  {keyfile," + term(t.Key) + "},\n  {cacertfile," + term(t.CA) + "}]}"
	return []byte("%% written by beaminit\n[{server,[{fail_if_no_peer_cert,true}," + files + ",\n {client,[" + files + "].\n")
}

// term is a string as Erlang reads it.
func term(s string) string { return string(quoted(nil, s, '"')) }

// insecure says why a start would mean plain TCP where TLS is wanted; nil: it would
// not.
func (r *Release) insecure(in *Inputs, f *filter) error {
	switch {
	case in.Distribution.TLS.Broken:
		return errors.New("distribution.tls has a problem, and plain TCP must not stand in for it; want its cert, key and ca")
	case f.lost && !f.tls && r.sys.tls:
		return errors.New(r.SysConfig + ": epmdless is to use TLS, which it does by its own module only; " +
			`want [distribution.tls] with cert, key and ca, or distribution.epmd = "module:epmdless_client"`)
	}
	return nil
}
