package release

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Where a system's own OTP is: Debian's and that of erlinit's users; and what is built
// from its sources.
const (
	systemRoot = "/usr/lib/erlang"
	localRoot  = "/usr/local/lib/erlang"
)

// nameOf takes the name of the release from its .rel file: in the directory of
// the version (relx, mix) or beside it (systools). Without one it is that of the
// directory.
func (r *Release) nameOf(names, files []string) string {
	base := r.Root[strings.LastIndexByte(r.Root, '/')+1:]
	for _, list := range [...][]string{files, names} {
		name := ""
		for _, f := range list {
			n, ok := strings.CutSuffix(f, ".rel")
			if !ok || isAuxiliary(n) {
				continue
			}
			if n == base {
				return n
			}
			if name == "" || n < name {
				name = n
			}
		}
		if name != "" {
			return name
		}
	}
	return base
}

// isAuxiliary says whether a boot script is one of those that OTP, relx and mix
// put beside a release's own.
func isAuxiliary(name string) bool {
	return name == "start_clean" || name == "start_sasl" || name == "no_dot_erlang"
}

// chooseERTS takes the ERTS: erts-V of the release, else the only one of the
// release, else the system's. Where start_erl.data does not name V and there are
// several to choose from, the .rel file does. why says what it was chosen by.
func (r *Release) chooseERTS(fsys FS, v string, names, files []string) (why string, err error) {
	if v != "" {
		if dir := r.Root + "/erts-" + v; isDir(fsys, dir) {
			return r.takeERTS(fsys, dir, v, ": start_erl.data names it, the release has it")
		}
	}
	own := ertsIn(fsys, r.Root)
	if len(own) == 1 {
		if v != "" {
			if major(v) != major(own[0]) {
				return "", errors.New(r.Root + "/releases/start_erl.data: names ERTS " + v + ", the release has only " + own[0] +
					", of another OTP: they do not match; want the release and its ERTS from one build")
			}
			r.problem(errors.New(r.Root + "/releases/start_erl.data: names ERTS " + v + ", the release has only " + own[0] + "; using that"))
		}
		return r.takeERTS(fsys, r.Root+"/erts-"+own[0], own[0], ": the only one in the release")
	}
	if v == "" {
		v = r.relERTS(fsys, names, files)
	}
	if slices.Contains(own, v) {
		return r.takeERTS(fsys, r.Root+"/erts-"+v, v, ": of those in the release, the one that its .rel file names")
	}
	if len(own) > 1 {
		slices.Sort(own)
		return "", errors.New(r.Root + ": several ERTS (erts-" + strings.Join(own, ", erts-") + ") " +
			"and none that start_erl.data or a .rel file names; want the version in releases/start_erl.data")
	}
	text := r.Root + ": no ERTS in it (erts-" + v + ")"
	for _, root := range [...]string{systemRoot, localRoot} {
		if dir := root + "/erts-" + v; v != "" && isDir(fsys, dir) {
			return r.takeERTS(fsys, dir, v, ": the system's, the release has none")
		}
		system := ertsIn(fsys, root)
		if len(system) == 1 && v == "" {
			return r.takeERTS(fsys, root+"/erts-"+system[0], system[0], ": the only one of the system, the release has none")
		}
		text += ", nor in " + root
		if len(system) > 0 {
			slices.Sort(system)
			text += ", which has erts-" + strings.Join(system, ", erts-")
		}
	}
	return "", errors.New(text + "; want a release with its own: {include_erts, true} in relx, " +
		"include_erts: true in mix release, {erts, code:root_dir()} in systools:make_tar")
}

// major is the part of a version of ERTS that a new OTP has a new one of.
func major(v string) string {
	v, _, _ = strings.Cut(v, ".")
	return v
}

// ertsIn gives the versions of the erts-V in a directory.
func ertsIn(fsys FS, dir string) (versions []string) {
	names, _ := fsys.List(dir)
	for _, n := range names {
		if v, ok := strings.CutPrefix(n, "erts-"); ok && v != "" && isDir(fsys, dir+"/"+n) {
			versions = append(versions, v)
		}
	}
	return versions
}

// takeERTS makes sure that there is something to start in an ERTS.
func (r *Release) takeERTS(fsys FS, dir, v, why string) (string, error) {
	for _, program := range [...]string{"/bin/erlexec", "/bin/beam.smp"} {
		mode, err := fsys.Mode(dir + program)
		if err == nil && (mode&unix.S_IFMT != unix.S_IFREG || mode&0o111 == 0) {
			err = unix.EACCES
		}
		if err != nil {
			return "", fmt.Errorf("%s%s: %w; want the complete ERTS in the release", dir, program, err)
		}
	}
	if err := runs(fsys, dir+"/bin/beam.smp"); err != nil {
		return "", err
	}
	// OTP 23.0 has -erl_epmd_port too, but it did not work before 23.1.
	if v[0] >= '0' && v[0] <= '9' && compareVersions(v, "11.1") < 0 {
		return "", errors.New(dir + ": too old to run without epmd; want OTP 23.1 (ERTS 11.1) or later")
	}
	r.ERTS, r.ERTSDir = v, dir
	r.SystemLib = dir[:strings.LastIndexByte(dir, '/')] + "/lib"
	return why, nil
}

// relERTS is the version of {erts,"V"} in the release's .rel file (rel(4)), ""
// where there is none to be found.
func (r *Release) relERTS(fsys FS, names, files []string) string {
	for i, list := range [...][]string{files, names} {
		if !slices.Contains(list, r.Name+".rel") {
			continue
		}
		dir := [...]string{r.Dir, r.Root + "/releases"}[i]
		text, _ := fsys.Read(dir+"/"+r.Name+".rel", maxFile)
		_, after, ok := strings.Cut(strings.Join(strings.Fields(string(text)), ""), `{erts,"`)
		if v, _, closed := strings.Cut(after, `"`); ok && closed && !strings.Contains(v, "/") {
			return v
		}
	}
	return ""
}
