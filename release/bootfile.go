package release

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// firstDirs is how much of a boot script has its first code path: kernel's and
// stdlib's, right after the two dozen modules that are part of the emulator.
const firstDirs = 1 << 10

// codeDirs are the directories of code that a boot script names, such as
// "$ROOT/lib/kernel-8.5.3/ebin", each once, in their order. The script is a term of
// Erlang in its external format, in which a string is a 107, its length in two bytes
// and its text (erl_ext_dist, STRING_EXT).
func codeDirs(boot []byte) (dirs []string) {
	for at := 0; ; {
		next := bytes.IndexByte(boot[at:], '$')
		if next < 0 {
			return dirs
		}
		at += next
		if at >= 3 && boot[at-3] == 107 {
			n := int(boot[at-2])<<8 | int(boot[at-1])
			if n <= len(boot)-at && bytes.IndexByte(boot[at:at+n], '/') > 0 {
				if dir := string(boot[at : at+n]); !slices.Contains(dirs, dir) {
					dirs = append(dirs, dir)
				}
				at += n
				continue
			}
		}
		at++
	}
}

// resolve gives a directory of a boot script as init finds it (-boot_var of erl(1));
// empty: nobody says what its variable is. vars are names and values by turns.
func (r *Release) resolve(dir string, vars []string) string {
	name, rest, _ := strings.Cut(dir[1:], "/")
	root := ""
	switch name {
	case "ROOT":
		root = r.Root
	case "RELEASE_LIB":
		root = r.Root + "/lib"
	case "SYSTEM_LIB_DIR", "ERTS_LIB_DIR":
		root = r.SystemLib
	}
	for i := 0; i+1 < len(vars); i += 2 {
		if vars[i] == name {
			root = vars[i+1]
		}
	}
	if root == "" {
		return ""
	}
	return root + "/" + rest
}

// fits says whether the boot script is for this release and this ERTS: kernel has to
// be there in the version that it was made with. Of the rest, Check says more.
func (r *Release) fits(fsys FS) error {
	text, err := fsys.Read(r.Boot+".boot", firstDirs)
	if err != nil {
		return errors.New(r.Boot + ".boot: " + err.Error())
	}
	for _, dir := range codeDirs(text) {
		if !strings.Contains(dir, "/kernel-") {
			continue
		}
		if place := r.resolve(dir, nil); place != "" && !isDir(fsys, place) {
			return errors.New(r.Boot + ".boot: was made with " + dir + ", and there is no " + place +
				": it does not match ERTS " + r.ERTS + " in " + r.ERTSDir + "; want the release and its ERTS from one build")
		}
	}
	return nil
}

// Has says whether an application is among those of the boot script.
func (r *Release) Has(fsys FS, app string) bool {
	text, _ := fsys.Read(r.Boot+".boot", 64*maxFile)
	return bytes.Contains(text, []byte("/"+app+"-"))
}

// bootVars are the -boot_var of a list of arguments, names and values by turns.
func bootVars(args []string) (vars []string) {
	for i, a := range args {
		if a == "-boot_var" && i+2 < len(args) {
			vars = append(vars, args[i+1], args[i+2])
		}
	}
	return vars
}

// checkBoot looks for everything that the boot script names, and gives the
// directories of the applications that are there.
func (r *Release) checkBoot(fsys FS, args []string) (apps []string, errs []error) {
	text, err := fsys.Read(r.Boot+".boot", 64*maxFile)
	if err != nil {
		return nil, []error{errors.New(r.Boot + ".boot: " + err.Error())}
	}
	if len(text) < 2 || text[0] != 131 {
		return nil, []error{errors.New(r.Boot + ".boot: not a boot script; want what systools:make_script makes")}
	}
	vars := append(bootVars(r.args), bootVars(args)...)
	for _, dir := range codeDirs(text) {
		if strings.Contains(dir, ".ez/") {
			continue // an archive
		}
		place := r.resolve(dir, vars)
		wrong := ""
		switch {
		case place == "":
			wrong = ": nobody says what " + dir[:strings.IndexByte(dir, '/')] + " is in " + dir + "; want -boot_var in release.args"
		case !isDir(fsys, place):
			wrong = ": names " + dir + ", and there is no " + place + "; want the whole release"
		default:
			apps = append(apps, strings.TrimSuffix(place, "/ebin"))
			continue
		}
		errs = append(errs, errors.New(r.Boot+".boot"+wrong))
	}
	return apps, errs
}
