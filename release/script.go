package release

import (
	"slices"
	"strings"
)

// scriptVars are the variables by which the start script of a release is told what to
// do, and which the VM does not look at itself. A release that is started without its
// script has them all the same, in release.env or in its env.sh: they are taken as values
// where the configuration has no key of its own for them, and what the VM then finds in
// its environment is what came of it.
type scriptVars struct {
	cookie, node, distribution, mode, vmArgs, sysConfig, flags string
}

// Those of mix release (Mix.Tasks.Release, "Environment variables"), and of the extended
// start script of relx. That of systools is up to who writes it.
var (
	mixVars = scriptVars{
		cookie: "RELEASE_COOKIE", node: "RELEASE_NODE", distribution: "RELEASE_DISTRIBUTION", mode: "RELEASE_MODE",
		vmArgs: "RELEASE_VM_ARGS", sysConfig: "RELEASE_SYS_CONFIG", flags: "ELIXIR_ERL_OPTIONS",
	}
	relxVars = scriptVars{
		cookie: "RELX_COOKIE", mode: "CODE_LOADING_MODE", vmArgs: "VMARGS_PATH", sysConfig: "RELX_CONFIG_PATH",
	}
)

// withoutEffect are variables of the script that nothing here asks for, and why.
var withoutEffect = [...]struct{ name, why string }{
	{"RELEASE_VSN", "releases/start_erl.data says which version is started"},
	{"RELEASE_ROOT", "release.path says where the release is"},
	{"ROOTDIR", "release.path says where the release is"},
	{"BINDIR", "the ERTS is that of the release"},
	{"NOTIFY_SOCKET", "the release is heard where beaminit listens"},
	{"RELEASE_COMMAND", "console.tty says whether there is a shell"},
	{"RELEASE_REMOTE_VM_ARGS", "beaminit remote finds its flags itself"},
	{"RELX_MULTI_NODE", "the node has one name"},
	{"RELX_OUT_FILE_PATH", "files that are filled in go to release.tmp"},
	{"ERL_DIST_PORT", "distribution.port is used"},
	{"START_ERL_DATA", "releases/start_erl.data is used"},
	{"HEART_COMMAND", "PID 1 starts the release again by [supervise]"},
	{"HEART_WATCHDOG_PATH", "PID 1 has the watchdog; want watchdog.device"},
	{"HEART_KERNEL_TIMEOUT", "PID 1 has the watchdog; want watchdog.timeout"},
}

// noEffect says why a variable has no effect; empty: it may have one. Those of OTP's and Nerves'
// heart are known to every release.
func (r *Release) noEffect(name string) string {
	for _, v := range &withoutEffect {
		if v.name == name && (r.Mix || r.relx || strings.HasPrefix(name, "HEART_")) {
			return v.why
		}
	}
	return ""
}

// scriptEnv is what the release's own env.sh and release.env say, the latter last: of two
// with one name it counts.
func (r *Release) scriptEnv(env []string) []string { return append(slices.Clip(r.envScript), env...) }

// sourceOf says where a variable is from: release.env, or the path of env.sh.
func (r *Release) sourceOf(env []string, name string) string {
	if valueOf(env, name) == "" && valueOf(r.envScript, name) != "" {
		return r.Dir + "/env.sh"
	}
	return "release.env"
}

// takes says whether a variable is one that was taken as a value: what the VM finds
// under its name is what beaminit made of it.
func (s *scriptVars) takes(name string) bool {
	switch name {
	case "":
		return false
	case s.node, s.distribution, s.mode, s.vmArgs, s.sysConfig:
		return true
	}
	return false
}

// bringsFlags says that the flags in a variable reach the VM: erlexec reads them, or the script
// of Elixir puts them on the command line.
func (s *scriptVars) bringsFlags(name string) bool {
	return strings.HasPrefix(name, "ERL_") && strings.HasSuffix(name, "FLAGS") || name != "" && name == s.flags
}

// ownFile is the path that a variable of the script has for a file of the release; empty:
// none. A name that is not absolute is relative to the release, where the VM is started.
func (r *Release) ownFile(env []string, name string) string {
	path := valueOf(r.scriptEnv(env), name)
	if path == "" || path[0] == '/' {
		return path
	}
	return r.Root + "/" + path
}
