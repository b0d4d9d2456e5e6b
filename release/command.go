package release

import (
	"errors"
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
	StopTimeout  time.Duration // from SIGTERM to SIGKILL
	User         *User         // nil: root
	Dump         string        // path for a crash dump
	DumpBytes    int64         // the most that it may have
	DumpSeconds  int           // the most that it may take; 0: there is to be none
	Term         string        // TERM of the tty that the release has, for an interactive shell; empty: it has none
	Terminfo     string        // TERMINFO with it; empty: the image describes it

	Notify string // path of the socket on which the release says that it is ready; empty: it says nothing

	Heart      bool                   // the configuration wants -heart, whatever the release says
	WhoseHeart func(bin string) Heart // which program the VM finds as its heart; asked only where it wants one
}

// Command starts a release. Its Files have to be there first (Prepare).
type Command struct {
	Path       string // of erlexec, which becomes the VM in the same process
	Argv, Env  []string
	Dir        string
	Tmp        string // directory of Files, only for the release
	User       *User  // nil: root
	Files      []File
	Heart      bool     // the VM starts beaminit as its heart
	Mode       string   // -mode: embedded or interactive
	TTY        bool     // it is to have a tty, with an interactive shell on it
	Node       string   // name of the node; without @ where there is no host name
	Long       bool     // its host is a long name (-name)
	Proto      string   // -proto_dist: inet_tcp, inet6_tls or the like
	Daemon     bool     // it needs an epmd
	Refused    error    // why it must not be started; nil: it may
	Cookie     string   // its fingerprint; empty: there is none
	CookieFrom string   // a path, or -setcookie
	Notes      []string // what of the release is left out or stands in its way
	Problems   []error  // what is wrong, and what is used instead
}

// File is one file to write before the start.
type File struct {
	Path    string
	Mode    uint32
	Content []byte
	Secret  bool // not to be shown in a plan
}

// Command computes what starts the release, without epmd and without a shell. It
// changes nothing. For the arguments see erl(1), for the environment what the
// scripts of relx and mix set.
func (r *Release) Command(in Inputs) Command {
	tmp := strings.TrimRight(in.Release.Tmp, "/")
	c := Command{Path: r.ERTSDir + "/bin/erlexec", Dir: r.Root, Tmp: tmp, User: in.User, TTY: in.Term != ""}
	f := &filter{distSettings: distSettingsOf(&in.Distribution)}
	// What the configuration says counts more than what the release says.
	args := f.run("release.args", in.Release.Args)
	vmargs := f.run("vm.args", r.args)
	var sh shell
	if in.Term != "" {
		own := slices.Contains(args, "-user") || slices.Contains(vmargs, "-user")
		args, vmargs = f.withoutNoShell("release.args", args, own), f.withoutNoShell("vm.args", vmargs, own)
		sh = r.shell(own)
	}
	n, err := r.naming(&in, f.name)
	if err != nil {
		c.Problems = append(c.Problems, err)
	}
	c.Node, c.Long = n.node(n.host), n.long
	n.notes(&c, f)
	c.Mode = f.codeMode()
	sys := strings.TrimSuffix(r.SysConfig, ".config")
	own := r.sys.copied != nil || r.sys.template != nil
	if own {
		sys = tmp + "/sys"
	}
	c.Env = r.env(&in, &c, &n, f, sys)
	c.override(in.Release.Env, f)
	if own {
		text := r.sys.copied
		if r.sys.template != nil {
			var unset []string
			if text, unset = fill(r.sys.template, c.Env); unset != nil {
				c.Problems = append(c.Problems, errors.New(notSet(r.SysConfig, unset)))
			}
		}
		c.Files = append(c.Files, File{tmp + "/sys.config", 0o600, text, true}) // an application's passwords may be in it
	}

	cookie := r.chooseCookie(&in, &c, f)
	if cookie != nil {
		c.Files = append(c.Files, File{tmp + "/.erlang.cookie", 0o400, cookie, true})
	}
	if len(vmargs) > 0 {
		c.Files = append(c.Files, File{tmp + "/vm.args", 0o600, appendArgs(nil, vmargs), false})
	}
	dist := c.distribution(&in, f, r.portByKernel())
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
	if dir := in.Release.WorkingDirectory; dir != "" {
		c.Dir = dir
	}
	c.Notes = append(c.Notes, f.notes...)
	return c
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
		named, c.Node,
		"-mode", mode,
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
		switch c.Files[i].Path[len(c.Tmp):] {
		case "/vm.args":
			argv = append(argv, "-args_file", c.Files[i].Path)
		case "/extra.config":
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

// env is the whole environment but what the configuration adds: nothing of the
// kernel's, where unknown words of its command line end up.
func (r *Release) env(in *Inputs, c *Command, n *naming, f *filter, sys string) []string {
	env := append(r.baseEnv(c.Tmp, in.Term, len(in.Release.Env)),
		"ERL_CRASH_DUMP="+in.Dump,
		"ERL_CRASH_DUMP_SECONDS="+strconv.Itoa(in.DumpSeconds),
		"ERL_CRASH_DUMP_BYTES="+strconv.FormatInt(in.DumpBytes, 10),
		"RELEASE_NODE="+c.Node,
	)
	if sys != "" {
		env = append(env, "RELEASE_SYS_CONFIG="+sys)
	}
	if in.Terminfo != "" {
		env = append(env, "TERMINFO="+in.Terminfo)
	}
	if in.Notify != "" {
		env = append(env, "NOTIFY_SOCKET="+in.Notify)
	}
	if strings.HasPrefix(f.module, "epmdless") { // old ones know the one variable, new ones the other
		env = append(env, "EPMDLESS_REMSH_PORT="+f.port, "ERL_DIST_PORT="+f.port)
	}
	if r.Mix {
		distribution, mode, start := "sname", f.codeMode(), "start"
		if in.Term != "" && r.iex != "" {
			start = "start_iex"
		}
		if n.long {
			distribution = "name"
		}
		env = append(env,
			"RELEASE_COMMAND="+start,
			"RELEASE_DISTRIBUTION="+distribution,
			"RELEASE_MODE="+mode,
			"RELEASE_BOOT_SCRIPT="+r.Boot[strings.LastIndexByte(r.Boot, '/')+1:],
			"RELEASE_BOOT_SCRIPT_CLEAN=start_clean",
			"RELEASE_PROG="+r.Name,
			"RELEASE_REMOTE_VM_ARGS="+r.Dir+"/remote.vm.args",
		)
		if r.VMArgs != "" {
			env = append(env, "RELEASE_VM_ARGS="+r.VMArgs)
		}
	}
	return env
}

// baseEnv is the part of the environment that depends on the release and its tty alone,
// with room for more.
func (r *Release) baseEnv(tmp, term string, more int) []string {
	if term == "" {
		term = "dumb" // its output becomes lines of a log
	}
	bin := r.ERTSDir + "/bin"
	env := append(make([]string, 0, 32+more),
		"HOME="+tmp,
		"PATH="+bin+":"+r.Root+"/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"TERM="+term,
		"LANG=C.UTF-8",
		"ROOTDIR="+r.Root,
		"BINDIR="+bin,
		"EMU=beam",
		"PROGNAME=erlexec",
		"RELEASE_ROOT="+r.Root,
		"RELEASE_NAME="+r.Name,
		"RELEASE_VSN="+r.Version,
		"RELEASE_TMP="+tmp,
	)
	if r.relx {
		env = append(env,
			"REL_NAME="+r.Name,
			"REL_VSN="+r.Version,
			"RELEASE_ROOT_DIR="+r.Root,
			"RELEASE_PROG="+r.Root+"/bin/"+r.Name,
			"LD_LIBRARY_PATH="+r.ERTSDir+"/lib",
		)
	}
	return env
}

// variables are what the template of vm.args can use. The name of the node is not
// among them: it may come from there.
func (r *Release) variables(c config.Release) []string {
	if !strings.HasSuffix(r.VMArgs, ".src") && valueOf(c.Env, "RELX_REPLACE_OS_VARS") == "" {
		return nil
	}
	return append(r.baseEnv(strings.TrimRight(c.Tmp, "/"), "", len(c.Env)), c.Env...)
}

// override sets the variables of release.env. Those that bring flags are filtered
// like all others.
func (c *Command) override(vars []string, f *filter) {
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "ERL_") && strings.HasSuffix(name, "FLAGS") {
			b := append([]byte(name), '=')
			for i, token := range f.run("release.env "+name, tokenise([]byte(value), false)) {
				if i > 0 {
					b = append(b, ' ')
				}
				b = appendQuoted(b, token)
			}
			v = string(b)
		}
		set := false
		for i, old := range c.Env {
			if strings.HasPrefix(old, name+"=") {
				c.Env[i], set = v, true
			}
		}
		if !set {
			c.Env = append(c.Env, v)
		}
	}
}
