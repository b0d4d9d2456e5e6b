package release

import (
	"errors"
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config"

	"golang.org/x/sys/unix"
)

// wantedBoot is the boot script that somebody asks for, a name or a path without .boot, and by
// which key or variable: release.boot, else the variable that mix release's own start script
// has for it, of release.env or env.sh. Empty: nobody does.
func (r *Release) wantedBoot(c config.Release) (wanted, key string) {
	if c.Boot != "" {
		return c.Boot, "release.boot"
	}
	const variable = "RELEASE_BOOT_SCRIPT"
	return valueOf(r.scriptEnv(c.Env), variable), variable
}

// bootPath is the path of a boot script without .boot; empty: there is none of that name or
// path.
func (r *Release) bootPath(fsys FS, files []string, wanted string) string {
	if strings.HasPrefix(wanted, "/") {
		if mode, err := fsys.Mode(wanted + ".boot"); err != nil || mode&unix.S_IFMT != unix.S_IFREG {
			return ""
		}
		return wanted
	}
	if wanted == "" || !slices.Contains(files, wanted+".boot") {
		return ""
	}
	return r.Dir + "/" + wanted
}

// ownBoots are the boot scripts of a release, by alphabet, without those that OTP adds.
func ownBoots(files []string) (names []string) {
	for _, f := range files {
		if name, ok := strings.CutSuffix(f, ".boot"); ok && name != "" && !isAuxiliary(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// hasBoot says whether a version has a boot script that it can be started with.
func (r *Release) hasBoot(fsys FS, files []string, c config.Release) bool {
	wanted, _ := r.wantedBoot(c)
	return len(ownBoots(files)) > 0 || r.bootPath(fsys, files, wanted) != ""
}

// chooseBoot takes the boot script: the one that is wanted, else start, else the
// one with the name of the release, else the only one, else the first by alphabet.
func (r *Release) chooseBoot(fsys FS, files []string, c config.Release) error {
	wanted, key := r.wantedBoot(c)
	if path := r.bootPath(fsys, files, wanted); path != "" {
		r.Boot = path
		r.why("boot script ", wanted+".boot", ": "+key+" names it")
		return nil
	}
	own := ownBoots(files)
	if len(own) == 0 {
		return r.noBoot()
	}
	name, why, guessed := own[0], ": the only one", false
	switch {
	case slices.Contains(own, "start"):
		name, why = "start", ": the usual name"
	case slices.Contains(own, r.Name):
		name, why = r.Name, ": the name of the release"
	case len(own) > 1:
		why, guessed = ": the first by alphabet", true
	}
	r.Boot = r.Dir + "/" + name
	r.why("boot script ", name+".boot", why)
	if wanted != "" {
		missing := r.Dir + " has no " + wanted
		if wanted[0] == '/' {
			missing = "there is no " + wanted
		}
		r.problem(errors.New(key + ": " + missing + ".boot; using " + r.Boot + ".boot"))
	}
	if guessed {
		r.problem(errors.New(r.Dir + ": several boot scripts (" + strings.Join(own, ", ") + "); want one of them in release.boot; using " + name))
	}
	return nil
}

func (r *Release) noBoot() error {
	return errors.New(r.Dir + ": no boot script in it; want start.boot, which systools:make_tar, relx and mix release put there")
}
