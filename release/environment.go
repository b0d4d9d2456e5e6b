package release

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config"
)

// env is the whole environment but what the release and the configuration add: nothing of
// the kernel's, where unknown words of its command line end up.
func (r *Release) env(in *Inputs, c *Command, n *naming, f *filter, sys string) []string {
	env := append(r.baseEnv(c.Tmp, in.Term, len(in.Release.Env)),
		"ERL_CRASH_DUMP="+in.Dump,
		"ERL_CRASH_DUMP_SECONDS="+strconv.Itoa(in.DumpSeconds),
		dumpBytes(in),
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
		env = append(env, r.mixEnv(in, n, f)...)
	}
	return env
}

// mixEnv is what the start script of mix release exports beside that.
func (r *Release) mixEnv(in *Inputs, n *naming, f *filter) []string {
	distribution, start := "sname", "start"
	if in.Term != "" && r.iex != "" {
		start = "start_iex"
	}
	switch {
	case n.none:
		distribution = "none"
	case n.long:
		distribution = "name"
	}
	env := []string{
		"RELEASE_COMMAND=" + start,
		"RELEASE_DISTRIBUTION=" + distribution,
		"RELEASE_MODE=" + f.codeMode(),
		"RELEASE_BOOT_SCRIPT=" + r.Boot[strings.LastIndexByte(r.Boot, '/')+1:],
		"RELEASE_BOOT_SCRIPT_CLEAN=start_clean",
		"RELEASE_PROG=" + r.Name,
		"RELEASE_REMOTE_VM_ARGS=" + r.Dir + "/remote.vm.args",
	}
	if r.VMArgs != "" {
		env = append(env, "RELEASE_VM_ARGS="+r.VMArgs)
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

// override sets what the release and the configuration add to the environment, the latter
// last: env.sh of a mix release, -env of its flags (erl(1)), release.env.
func (r *Release) override(in *Inputs, c *Command, f *filter) {
	for _, v := range r.envScript {
		r.setVariable(c, f, r.Dir+"/env.sh", v)
	}
	for i := len(f.env) - 1; i >= 0; i-- { // the list that counts most was first
		e := f.env[i]
		if given := valueOf(in.Release.Env, e.flag); given != "" && given != e.value {
			f.note(e.from + ": -env " + e.flag + " " + shown(e.value) + " is left out: release.env is used")
		}
		if why := r.noEffect(e.flag); why != "" {
			f.note(e.from + ": -env " + e.flag + " has no effect: " + why)
		}
		c.Env = set(c.Env, e.flag+"="+e.value)
	}
	for _, v := range in.Release.Env {
		r.setVariable(c, f, "release.env", v)
	}
	c.ownDump(in)
}

// setVariable sets a variable that from brings. One that brings flags has those that are
// left of them; one that was taken as a value has what came of it.
func (r *Release) setVariable(c *Command, f *filter, from, v string) {
	name, _, _ := strings.Cut(v, "=")
	if r.script.takes(name) {
		return
	}
	if why := r.noEffect(name); why != "" {
		f.note(from + ": " + name + " has no effect: " + why)
		return
	}
	switch {
	case r.script.bringsFlags(name):
		v = name + "=" + quotedWords(f.brought[name])
	case name == r.script.cookie && c.CookieFrom != from+": "+name:
		f.note(from + ": " + name + " is left out: the cookie in " + c.CookieFrom + " is used (fingerprint " + c.Fingerprint() + ")")
		return
	}
	c.Env = set(c.Env, v)
}

func quotedWords(words []string) string {
	var b []byte
	for i, w := range words {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendQuoted(b, w)
	}
	return string(b)
}

// set puts a variable into an environment, in the place of one of its name.
func set(env []string, v string) []string {
	name, _, _ := strings.Cut(v, "=")
	for i, old := range env {
		if strings.HasPrefix(old, name+"=") {
			env[i] = v
			return env
		}
	}
	return append(env, v)
}

// ownDump leaves a crash dump alone that the release wants to have elsewhere
// (ERL_CRASH_DUMP): it is not cut, unless the release says so itself.
func (c *Command) ownDump(in *Inputs) {
	c.Dump = valueOf(c.Env, "ERL_CRASH_DUMP")
	switch {
	case c.Dump == in.Dump:
		return
	case c.Dump == "":
		c.Dump = c.Dir + "/erl_crash.dump" // the VM's own default
	case c.Dump[0] != '/':
		c.Dump = c.Dir + "/" + c.Dump
	}
	c.Env = slices.DeleteFunc(c.Env, func(v string) bool { return v == dumpBytes(in) })
}

// dumpBytes is beaminit's own limit for a crash dump.
func dumpBytes(in *Inputs) string {
	return "ERL_CRASH_DUMP_BYTES=" + strconv.FormatInt(in.DumpBytes, 10)
}
