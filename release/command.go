package release

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
)

// Inputs is what a command is made of, beside the release.
type Inputs struct {
	Release      config.Release
	Distribution config.Distribution
	Hostname     string        // of this node, with its domain where it has one
	Domain       string        // of host names without one (dns.search); may be empty
	Peers        []string      // the host names of all nodes; this one may be among them
	IPv6         bool          // all peers have IPv6 addresses
	Inetrc       string        // path for kernel's inetrc; empty: none
	Cookie       []byte        // what Distribution.CookieFile holds; nil: there is none
	Refused      error         // why what is in its place is not read; nil: it is, or nothing is there
	StopTimeout  time.Duration // from SIGTERM to SIGKILL
	User         *User         // nil: root
	Dump         string        // path for a crash dump
	DumpBytes    int64         // the most that it may have
	DumpSeconds  int           // the most that it may take; 0: there is to be none
	Term         string        // TERM of the tty that the release has, for an interactive shell; empty: it has none
	Terminfo     string        // TERMINFO with it; empty: the image describes it

	DefaultNames bool     // the configuration does not say Distribution.Names: the release may
	DefaultPort  bool     // nor Distribution.Port: a module that knows the ports may
	Erlinit      bool     // options of erlinit are all that there is: what they leave open is as with erlinit
	HomeCookie   []byte   // what .erlang.cookie in the HOME of release.env holds; nil: there is none
	PeerNames    []string // of their nodes, before the @, where they are not that of this one
	WaitForPeers bool     // the applications are started when the peers are connected, or after syncTimeout
	Keepalive    bool     // nobody ends a dead connection of the VM from outside (SOCK_DESTROY)

	Notify string // path of the socket on which the release says that it is ready; empty: it says nothing

	Heart      bool         // the configuration wants -heart, whatever the release says
	WhoseHeart func() Heart // which program the VM finds as its heart; asked only where it wants one
}

// Command starts a release. Its Files have to be there first (Prepare).
type Command struct {
	Path       string // of erlexec, which becomes the VM in the same process
	Argv, Env  []string
	Dir        string
	Tmp        string // directory of Files, only for the release
	User       *User  // nil: root
	Files      []File
	Heart      bool       // the VM starts beaminit as its heart
	Mode       string     // -mode: embedded or interactive
	TTY        bool       // it is to have a tty, with an interactive shell on it
	Node       string     // name of the node; without @ where there is no host name
	PeerNodes  []string   // the names of the nodes of Inputs.Peers
	Naming     Naming     // of these and of others
	Long       bool       // its host is a long name (-name)
	Proto      string     // -proto_dist: inet_tcp, inet6_tls or the like
	Daemon     bool       // it needs an epmd
	Unprobed   string     // why nobody can ask from outside whether it answers; empty: the probe can
	Unnamed    bool       // its node has no name when it starts
	Interface  netip.Addr // the only address that it listens on; the zero Addr: it is not known
	Dump       string     // where its crash dump will be
	Refused    error      // why it must not be started; nil: it may
	CookieFrom string     // a path, or -setcookie; empty: there is no cookie
	Notes      []string   // what of the release is left out or stands in its way
	Problems   []error    // what is wrong, and what is used instead

	cookie []byte // see Fingerprint
}

// note adds what of the release is left out or stands in its way. (Inlined: 4 KB more.)
//
//go:noinline
func (c *Command) note(text string) { c.Notes = append(c.Notes, text) }

// problem notes one. (Inlined: 2 KB more.)
//
//go:noinline
func (c *Command) problem(err error) { c.Problems = append(c.Problems, err) }

// File is one file to write before the start.
type File struct {
	Path    string
	Mode    uint32
	Content []byte
	Secret  bool // not to be shown in a plan
}

// peerNodes are the names that the nodes of the peers have.
func (in *Inputs) peerNodes(n *Naming) (nodes []string) {
	for i, host := range in.Peers {
		name := ""
		if i < len(in.PeerNames) {
			name = in.PeerNames[i]
		}
		nodes = append(nodes, n.Peer(host, name))
	}
	return nodes
}

// Command computes what starts the release, without epmd and without a shell. It
// changes nothing. For the arguments see erl(1), for the environment what the
// scripts of relx and mix set.
func (r *Release) Command(in Inputs) Command {
	tmp := strings.TrimRight(in.Release.Tmp, "/")
	c := Command{Path: r.ERTSDir + "/bin/erlexec", Dir: r.Root, Tmp: tmp, User: in.User, TTY: in.Term != ""}
	if dir := in.Release.WorkingDirectory; dir != "" {
		c.Dir = dir
	}
	f, args, vmargs := r.flags(&in, false)
	n := r.naming(&in, &c, f)
	if n.none { // what the release says about its distribution is for the one that it starts itself
		f, args, vmargs = r.flags(&in, true)
	}
	sh := shell{}
	if in.Term != "" {
		sh = r.shell(f.user)
	}
	c.Node, c.Long = n.node(n.host), n.long
	c.Naming = Naming{n.name, n.long, n.domain}
	c.PeerNodes = in.peerNodes(&c.Naming)
	n.notes(&c, f)
	c.Mode = f.codeMode()
	sys := strings.TrimSuffix(r.SysConfig, ".config")
	own := r.sys.copied != nil || r.sys.template != nil
	if own {
		sys = tmp + "/sys"
	}
	cookie := r.chooseCookie(&in, &c, f)
	c.Env = r.env(&in, &c, &n, f, sys)
	r.override(&in, &c, f)
	if own {
		c.Files = append(c.Files, File{tmp + "/sys.config", 0o600, r.filledSysConfig(&c), true}) // an application's passwords may be in it
	}
	if cookie != nil {
		c.Files = append(c.Files, File{c.cookiePath(), 0o400, cookie, true})
	}
	if len(vmargs) > 0 {
		c.Files = append(c.Files, File{tmp + "/vm.args", 0o600, appendArgs(nil, vmargs), false})
	}
	dist := r.distribution(&in, &c, &n, f)
	c.Refused = r.insecure(&in, f)
	if extra := r.extraConfig(&in, &c, &n, f); extra != nil {
		c.Files = append(c.Files, File{tmp + "/extra.config", 0o600, extra, false})
	}
	c.Argv = r.argv(&in, &c, &n, f, &sh, sys, dist)
	if r.heart(&in, &c, f) {
		c.Argv = append(c.Argv, "-heart")
	}
	if len(args) > 0 && !isFlag(args[0]) {
		c.Argv = append(c.Argv, "--") // it is no value of -shutdown_time
	}
	c.Argv = behindExtra(append(c.Argv, args...), sh.extra)
	c.wrap(in.Release.Wrapper, r.ERTSDir+"/bin")
	c.Notes = append(append(c.Notes, f.notes...), r.notes...)
	return c
}

// filledSysConfig is the text of a sys.config that is not used as it lies there: with its
// variables filled in, or a copy that the release writes into.
func (r *Release) filledSysConfig(c *Command) []byte {
	if r.sys.template == nil {
		return r.sys.copied
	}
	text, unset := fill(r.sys.template, c.Env)
	if unset != nil {
		c.problem(errors.New(notSet(r.SysConfig, unset)))
	}
	return text
}

// flags are the lists of arguments that the release is started with, without what the
// filter takes out of them: release.args, and vm.args. What the configuration says counts
// more than what the release says. none: the node has no name when it starts.
func (r *Release) flags(in *Inputs, none bool) (f *filter, args, vmargs []string) {
	f = &filter{distSettings: distSettingsOf(&in.Distribution), none: none, brought: map[string][]string{}}
	f.port, f.portGiven = strconv.Itoa(in.Distribution.Port), !in.DefaultPort
	f.interactive = in.Erlinit
	f.tty = in.Term != ""
	f.user = slices.Contains(in.Release.Args, "-user") || slices.Contains(r.args, "-user")
	args = f.list("release.args", in.Release.Args)
	given := r.scriptEnv(in.Release.Env)
	if mode := valueOf(given, r.script.mode); mode != "" && f.mode == "" {
		f.mode = mode
	}
	if node := valueOf(given, r.script.node); node != "" {
		f.names(flagAt{r.sourceOf(in.Release.Env, r.script.node), r.script.node, node})
	}
	for _, v := range given {
		name, value, _ := strings.Cut(v, "=")
		if r.script.bringsFlags(name) && value == valueOf(given, name) {
			f.brought[name] = f.list(r.sourceOf(in.Release.Env, name)+" "+name, tokenise([]byte(value), false))
		}
	}
	args = append(slices.Clone(f.brought[r.script.flags]), args...)
	return f, args, f.list("vm.args", r.args)
}

// argv is everything but release.args, which come last: of the emulator's flags
// the last one counts, and after -extra there are no flags.
func (r *Release) argv(in *Inputs, c *Command, n *naming, f *filter, sh *shell, sys string, dist []string) []string {
	named, mode := "-sname", f.codeMode()
	if n.long {
		named = "-name"
	}
	argv := append(make([]string, 0, 50+len(in.Release.Args)), "erlexec")
	if in.Term == "" {
		argv = append(argv, "-noinput")
	}
	if in.Notify != "" {
		argv = append(argv, "-eval", sayStarted(in.Notify))
	}
	argv = append(append(argv, sh.flags...),
		"+Bi",  // SIGINT ends nothing
		"+fnu", // file names are UTF-8, though there is no locale
	)
	if !n.none {
		argv = append(argv, named, c.Node)
	}
	argv = append(argv, "-mode", mode,
		"-boot", r.Boot,
	)
	argv = append(argv, r.libVars()...)
	if r.consolidated != "" {
		argv = append(argv, "-pa", r.consolidated)
	}
	if sys != "" {
		argv = append(argv, "-config", sys)
	}
	// Of a parameter that stands in several -config the last one counts, so
	// extra.config comes after whatever vm.args has.
	for i := range c.Files {
		switch c.Files[i].Path {
		case c.Tmp + "/vm.args":
			argv = append(argv, "-args_file", c.Files[i].Path)
		case c.Tmp + "/extra.config":
			argv = append(argv, "-config", strings.TrimSuffix(c.Files[i].Path, ".config"))
		}
	}
	// The VM is to end in order before PID 1 loses its patience.
	shutdown := max(in.StopTimeout.Milliseconds()*4/5, 1)
	return append(append(argv, dist...), "-shutdown_time", strconv.FormatInt(shutdown, 10))
}

// libVars says where the boot script finds the applications.
func (r *Release) libVars() []string {
	return []string{
		"-boot_var", "RELEASE_LIB", r.Root + "/lib",
		"-boot_var", "SYSTEM_LIB_DIR", r.SystemLib,
		"-boot_var", "ERTS_LIB_DIR", r.SystemLib,
	}
}
