package release

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// findFiles finds the configuration files of the release, with what its start script would
// have been told about them.
func (r *Release) findFiles(fsys FS, files, env []string) {
	switch {
	case r.Mix:
		r.script = mixVars
	case r.relx:
		r.script = relxVars
	}
	r.SysConfig = cmp.Or(r.configFile(files, "sys.config"), r.inEtc(fsys, "sys.config"), r.inEtc(fsys, "app.config"))
	if path := r.ownFile(env, r.script.sysConfig); path != "" {
		r.SysConfig = r.elsewhere(fsys, env, r.script.sysConfig, strings.TrimSuffix(path, ".config")+".config", r.SysConfig)
	}
	r.VMArgs = cmp.Or(r.configFile(files, "vm.args"), r.inEtc(fsys, "vm.args"))
	if path := r.ownFile(env, r.script.vmArgs); path != "" {
		r.VMArgs = r.elsewhere(fsys, env, r.script.vmArgs, path, r.VMArgs)
	}
	r.ownScripts(fsys, env)
}

// inEtc is the path of a configuration file in etc of the release, where releases have it that are
// made in the way of rebar 2 (CouchDB, Riak); empty: there is none.
func (r *Release) inEtc(fsys FS, name string) string {
	path := r.Root + "/etc/" + name
	if mode, err := fsys.Mode(path); err != nil || mode&unix.S_IFMT != unix.S_IFREG {
		return ""
	}
	r.why("", "etc/"+name, ": releases/"+r.Version+" has none")
	return path
}

// ownScripts tells of what the scripts of the release do beside starting it.
func (r *Release) ownScripts(fsys FS, env []string) {
	if server := r.Root + "/bin/server"; r.Mix {
		text, _ := fsys.Read(server, maxFile)
		if strings.Contains(string(text), "PHX_SERVER=true") && !has(r.scriptEnv(env), "PHX_SERVER") {
			r.notes = append(r.notes, server+` sets PHX_SERVER=true, and is not run: `+
				`Phoenix may not serve without; want PHX_SERVER = "true" in release.env`)
		}
		return
	}
	names, _ := fsys.List(r.Root + "/bin/hooks")
	names = slices.DeleteFunc(names, func(name string) bool { return name == "builtin" })
	if len(names) > 0 {
		slices.Sort(names)
		r.noteProgram(r.Root+"/bin/hooks: "+strings.Join(names, ", ")+": not run, for there is no start script; want ", "")
	}
}

// configFile is the path of a configuration file of the release, "" where there is none.
// Where there is a template, that is the one: the start script of relx makes the other
// of it at every start.
func (r *Release) configFile(files []string, name string) string {
	path := r.Dir + "/" + name
	if slices.Contains(files, name+".src") {
		r.why("", name+".src", ": its ${…} are filled in from release.env and the environment of the release")
		return path + ".src"
	}
	if slices.Contains(files, name) {
		return path
	}
	return ""
}

// elsewhere is the path of a configuration file that a variable names in place of the
// release's own.
func (r *Release) elsewhere(fsys FS, env []string, name, path, own string) string {
	if _, err := fsys.Mode(path); err != nil {
		using := own
		if own == "" {
			using = "none"
		}
		r.problem(fmt.Errorf("%s: %s: %s: %w; using %s", r.sourceOf(env, name), name, path, err, using))
		return own
	}
	r.why("", path, ": "+name+" names it")
	return path
}
