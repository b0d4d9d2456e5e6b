package release

import (
	"strconv"
	"strings"
)

// syncTimeout is kernel's sync_nodes_timeout: how long the start of a release
// waits for peers that are not there, in milliseconds. A mix release that starts twice,
// to apply its runtime configuration, has no distribution the first time (start_distribution
// of kernel) and waits in vain all of it.
const (
	syncTimeout      = 5000
	syncTimeoutTwice = 500
)

// extraConfig is a further -config (config(4)) with parameters of kernel; nil:
// there are none. What the release itself sets is left to it.
func (r *Release) extraConfig(in *Inputs, c *Command, n *naming, f *filter) []byte {
	b := append(make([]byte, 0, 256), "%% written by beaminit\n[{kernel,["...)
	empty := len(b)
	if in.Inetrc != "" {
		if own := r.ownInetrc(in, c, f); own != "" {
			c.note(own + ", which is used in place of " + in.Inetrc + ": the VM finds its peers only if that lets it")
		} else {
			b = append(quoted(append(b, "\n  {inetrc,"...), in.Inetrc, '"'), "},"...)
		}
	}
	switch {
	case n.none:
	case f.daemon: // epmd tells the others, but the monitor has to know it too
		b = append(b, "\n  {inet_dist_listen_min,"+f.port+"},\n  {inet_dist_listen_max,"+f.port+"},"...)
	case r.portByKernel() && !f.portOfModule():
		b = append(b, "\n  {erl_epmd_node_listen_port,"+f.port+"},"...)
	}
	if in.Keepalive && !n.none && !r.sys.distOptions {
		b = append(b, lateNotice...)
	}
	if in.Distribution.Connect && !n.none && (in.WaitForPeers || r.sys.distributed) {
		b = r.syncNodes(b, in, c, n, f)
	}
	if len(b) == empty {
		return nil
	}
	return append(b[:len(b)-1], "\n]}].\n"...)
}

// ownInetrc says where the release names an inetrc of its own (kernel(6), "Inet
// Configuration"); empty: it does not.
func (r *Release) ownInetrc(in *Inputs, c *Command, f *filter) string {
	const name = "ERL_INETRC"
	switch path := valueOf(c.Env, name); {
	case f.inetrc != "":
		return f.inetrc + ": -kernel inetrc names one"
	case r.sys.inetrc:
		return r.SysConfig + ": names an inetrc"
	case path != "":
		from := r.sourceOf(in.Release.Env, name)
		for _, e := range f.env {
			if e.flag == name && valueOf(in.Release.Env, name) == "" {
				from = e.from + ": -env"
			}
		}
		return from + ": " + name + "=" + shown(path)
	}
	return ""
}

// portByKernel says whether the port is a parameter of kernel, erl_epmd_node_listen_port,
// as it is from OTP 27.2 on (kernel 10.2), or the flag -erl_epmd_port, as it was before. A
// VM that gets both ends at once ("should be specified, not both").
func (r *Release) portByKernel() bool { return compareVersions(r.ERTS, "15.2") >= 0 }

// lateNotice has the VM itself find out that a node is gone, where nobody can tell it: by
// the keepalive of tcp(7), every second, and within 9 s for data that nobody acknowledges,
// in place of kernel's net_ticktime, 60 s. A line that loses 5 % of all packets each way
// loses eight such exchanges in a row once in years. The numbers are those of Linux: level
// IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT and TCP_USER_TIMEOUT, in ms.
const lateNotice = `
  {inet_dist_connect_options,` + keepalive + `},
  {inet_dist_listen_options,` + keepalive + `},`

const keepalive = `[{nodelay,true},{keepalive,true},` +
	`{raw,6,4,<<1:32/native>>},{raw,6,5,<<1:32/native>>},{raw,6,6,<<8:32/native>>},{raw,6,18,<<9000:32/native>>}]`

// syncNodes has the VM connect to all peers while it starts, for applications that need
// them by then. The mesh itself needs it not: whoever answers is connected as soon as
// the release has started. It is no error where one is absent: the start then takes
// syncTimeout, for whatever of the others has started, too.
func (r *Release) syncNodes(b []byte, in *Inputs, c *Command, n *naming, f *filter) []byte {
	if r.sys.syncNodes || f.syncNodes {
		c.note("the release sets sync_nodes of kernel itself: it is used, and distribution.connect has no effect")
		return b
	}
	start := len(b)
	b = append(b, "\n  {sync_nodes_optional,["...)
	none := len(b)
	for i, peer := range in.Peers {
		host := n.of(peer)
		if host == "" || strings.EqualFold(host, n.host) {
			continue
		}
		if len(b) > none {
			b = append(b, ',')
		}
		b = quoted(b, c.PeerNodes[i], '\'')
	}
	if len(b) == none {
		return b[:start]
	}
	b = append(b, "]},\n  {sync_nodes_timeout,"...)
	limit := int64(syncTimeout)
	if r.sys.copied != nil {
		limit = syncTimeoutTwice
	}
	return append(strconv.AppendInt(b, limit, 10), "},"...)
}

// quoted writes a string or an atom of Erlang. (Inlined: 5 KB more.)
//
//go:noinline
func quoted(b []byte, s string, quote byte) []byte {
	b = append(b, quote)
	for i := 0; i < len(s); i++ {
		if s[i] == quote || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, quote)
}
