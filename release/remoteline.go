package release

import (
	"net/netip"
	"strconv"
	"strings"
)

// RemoteShellLine gives a line for sh(1) that opens a remote shell of the release on another
// machine, with an Erlang (from OTP 23.1 on) or Elixir of its own: without epmd, a
// listener, or a line in /etc/hosts there. needs says what has to be there all the same.
// address is that of the node; the zero Addr where it is not known.
func (c *Command) RemoteShellLine(port int, address netip.Addr, iex bool) (line string, needs []string) {
	_, host, _ := strings.Cut(c.Node, "@")
	mark := "a mark of it is " + c.Fingerprint()
	if c.cookie == nil {
		mark = "that of this node is not known"
	}
	needs = append(needs, "needs the cookie of the cluster in ~/.erlang.cookie, which only its owner may read ("+mark+")")
	flags := "-dist_listen false -start_epmd false -erl_epmd_port " + strconv.Itoa(port) + " -kernel " + remoteShellTicks
	if proto := carrierOf(c.Proto); proto != "inet_tcp" {
		flags += " -proto_dist " + proto
	}
	if c.TLS() {
		flags += " -ssl_dist_optfile $HOME/tls.config"
		needs = append(needs, "needs a certificate that the nodes accept, named in ~/tls.config: "+
			`[{client,[{verify,verify_peer},{certfile,"…"},{keyfile,"…"},{cacertfile,"…"}]}].`)
	}
	// The name has to be another one for each shell. A long one wants a dot in its host.
	switch {
	case iex && c.Long:
		line = `iex --name "remote-$$@$(uname -n).remote"`
	case iex:
		line = "iex --sname remote-$$"
	case c.Long:
		line = `erl -name "remote-$$@$(uname -n).remote"`
	default:
		line = "erl -sname remote-$$"
	}
	if iex {
		line += ` --hidden --erl "` + flags + `" --remsh ` + c.Node
	} else {
		line += " -hidden " + flags + " -remsh " + c.Node
	}
	if !address.IsValid() {
		return line, append(needs, "needs an entry for "+host+" in /etc/hosts")
	}
	return "rc=$(mktemp) && echo " + shellWord(Inetrc(host, address)) + ` >"$rc" && ERL_INETRC="$rc" ` + line + `; rm -f "$rc"`, needs
}
