package release

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config"

	"golang.org/x/sys/unix"
)

// Release is a release as it was found. Paths are as on the device.
type Release struct {
	Name, Version string
	Root          string // has releases and lib in it
	Dir           string // Root/releases/Version
	ERTS          string // its version
	ERTSDir       string // in Root, or of the system
	SystemLib     string // the lib beside ERTSDir
	Boot          string // path of the boot script, without .boot
	SysConfig     string // path; empty: it has none
	VMArgs        string // path; empty: it has none
	Mix           bool   // made by mix release
	relx          bool   // made by relx

	Why      []string // what was taken, and why
	Problems []error  // what is wrong, and what is used instead
	notes    []string // what of it is not done
	preRun   bool     // the configuration has programs that are run before it

	script    scriptVars // of its start script
	envScript []string   // what its env.sh sets, KEY=value

	args   []string // of vm.args, with its -args_file read in
	sys    sysConfig
	cookie []byte // of releases/COOKIE

	consolidated string // directory of consolidated protocols; empty: none to be added

	argFiles int // read so far

	iex string // version of Elixir where it has IEx, see FindIEx
}

// maxFile bounds what is read of a file into memory, in bytes.
const maxFile = 1 << 20

// Find looks in each directory of c.Path, in order, for a release: for releases/
// in it, else in the directories right below it, by alphabet. The first release
// that can be started is taken. Where one before it was found broken, that is one
// of its Problems. The error is a notFound.
func Find(fsys FS, c config.Release) (*Release, error) {
	var missed notFound
	var broken []error
	for _, path := range c.Path {
		roots, err := candidates(fsys, path)
		if err != nil {
			missed.Places = append(missed.Places, err)
			continue
		}
		for _, root := range roots {
			r, err := inspect(fsys, root, c)
			if err != nil {
				missed.Places = append(missed.Places, err)
				broken = append(broken, fmt.Errorf("release in %s cannot be started: %w; using the one in a later place", root, err))
				continue
			}
			r.Problems = append(broken, r.Problems...)
			return r, nil
		}
	}
	return nil, &missed
}

// notFound says that no place has a release that can be started.
type notFound struct {
	Places []error // one for each place looked at, with what is wrong there
}

func (e *notFound) Error() string {
	text := "no release to start: release.path is empty"
	for i, p := range e.Places {
		if i == 0 {
			text = "no release to start: "
		} else {
			text += "; "
		}
		text += p.Error()
	}
	if strings.Contains(text, "; want ") {
		return text // of a place it is known what is missing
	}
	return text + "; want a release as relx, mix release or systools:make_tar make it, with its ERTS, in a directory of release.path"
}

// Unwrap is for errors.Is and errors.As.
func (e *notFound) Unwrap() []error { return e.Places }

// candidates are the directories at and right below path that have releases/.
func candidates(fsys FS, path string) ([]string, error) {
	path = strings.TrimRight(path, "/")
	if isDir(fsys, path+"/releases") {
		return []string{path}, nil
	}
	names, err := fsys.List(path + "/")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	slices.Sort(names)
	var roots []string
	for _, name := range names {
		if root := path + "/" + name; isDir(fsys, root+"/releases") {
			roots = append(roots, root)
		}
	}
	if roots == nil {
		return nil, fmt.Errorf("%s: neither it nor a directory in it has a directory releases: %w", path, unix.ENOENT)
	}
	return roots, nil
}

// inspect reads what a release in root is made of.
func inspect(fsys FS, root string, c config.Release) (*Release, error) {
	r := &Release{Root: root, preRun: len(c.PreRun) > 0}
	r.why("release ", root, ": of release.path, the first that can be started")
	names, err := fsys.List(root + "/releases")
	if err != nil {
		return nil, fmt.Errorf("list %s/releases: %w", root, err)
	}
	erts, version := r.startErlData(fsys, names)
	files, err := r.chooseVersion(fsys, names, version, c)
	if err != nil {
		return nil, err
	}
	if r.Version != version {
		erts = "" // start_erl.data is about another one
	}
	r.Mix = slices.Contains(names, "COOKIE") || slices.Contains(files, "elixir")
	r.relx = !r.Mix && slices.Contains(names, "start_erl.data")
	whyERTS, err := r.chooseERTS(fsys, erts, names, files)
	if err != nil {
		return nil, err
	}
	if r.Mix && slices.Contains(files, "env.sh") {
		r.readEnvScript(fsys, c.Env)
	}
	if err := r.chooseBoot(fsys, files, c); err != nil {
		return nil, err
	}
	r.why("ERTS ", r.ERTSDir, whyERTS)
	if err := r.fits(fsys); err != nil {
		return nil, err
	}
	if r.Mix && slices.Contains(names, "COOKIE") {
		path := root + "/releases/COOKIE"
		if r.cookie, err = fsys.Read(path, maxFile); err != nil {
			r.problem(fmt.Errorf("read %s: %w", path, err))
		}
	}
	r.findFiles(fsys, files, c.Env)
	r.readSysConfig(fsys, c.Env)
	if r.VMArgs != "" {
		args, extra := r.readArgs(fsys, r.VMArgs, r.variables(c))
		if len(extra) > 0 {
			args = append(append(args, "-extra"), extra...)
		}
		r.args = args
	}
	return r, nil
}

// startErlData reads releases/start_erl.data, "ERTS VERSION" in a line; it is
// written by relx and mix, and not by systools.
func (r *Release) startErlData(fsys FS, names []string) (erts, version string) {
	if !slices.Contains(names, "start_erl.data") {
		return "", ""
	}
	path := r.Root + "/releases/start_erl.data"
	text, err := fsys.Read(path, 4096)
	if err != nil {
		r.problem(fmt.Errorf("read %s: %w; using the newest version", path, err))
		return "", ""
	}
	f := strings.Fields(string(text))
	if len(f) != 2 || strings.IndexByte(f[0], '/') >= 0 || strings.IndexByte(f[1], '/') >= 0 {
		r.problem(errors.New(path + `: want the versions of ERTS and of the release in it, such as "13.1.5 0.1.0"; using the newest version`))
		return "", ""
	}
	return f[0], f[1]
}

// chooseVersion takes the version that start_erl.data names, else the newest one
// that has a boot script, and gives the names in its directory.
func (r *Release) chooseVersion(fsys FS, names []string, wanted string, c config.Release) (files []string, err error) {
	var missed []string
	rest := slices.Clone(names)
	for {
		version := wanted
		if version == "" || len(missed) > 0 {
			version = newest(rest)
		}
		if version == "" {
			break
		}
		rest = slices.DeleteFunc(rest, func(s string) bool { return s == version })
		r.Version, r.Dir = version, r.Root+"/releases/"+version
		files, err := fsys.List(r.Dir)
		switch {
		case err == unix.ENOTDIR && version != wanted: // COOKIE, RELEASES, NAME.rel
		case err != nil:
			missed = append(missed, r.Dir+": "+err.Error())
		case !r.hasBoot(fsys, files, c):
			missed = append(missed, r.noBoot().Error())
		default:
			r.Name = r.nameOf(names, files)
			r.whyVersion(wanted, missed)
			return files, nil
		}
	}
	if len(missed) == 0 {
		missed = append(missed, "no version in it")
	}
	return nil, errors.New(r.Root + "/releases: " + strings.Join(missed, "; "))
}

func (r *Release) whyVersion(wanted string, missed []string) {
	why := ": the newest in releases"
	if r.Version == wanted {
		why = ": start_erl.data names it"
	}
	r.why("version ", r.Version, why)
	for _, m := range missed {
		r.problem(errors.New(m + "; using version " + r.Version))
	}
}

// newest is the newest of versions, "" where there is none.
func newest(versions []string) string {
	best := ""
	for _, v := range versions {
		if best == "" || compareVersions(v, best) > 0 {
			best = v
		}
	}
	return best
}

// why notes what was chosen, and why. (Inlined: 2 KB more.)
//
//go:noinline
func (r *Release) why(what, which, why string) { r.Why = append(r.Why, what+which+why) }

// problem notes one. (Inlined: 4 KB more.)
//
//go:noinline
func (r *Release) problem(err error) { r.Problems = append(r.Problems, err) }

func isDir(fsys FS, path string) bool {
	mode, err := fsys.Mode(path)
	return err == nil && mode&unix.S_IFMT == unix.S_IFDIR
}
