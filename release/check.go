package release

import (
	"errors"
	"fmt"
	"strings"
)

// Check looks at what would make a start of c fail later on. It reads more than the
// boot can spend, so it is for beaminit plan and check. hostname is that of the node.
func (r *Release) Check(fsys FS, c *Command, hostname string) []error {
	var errs []error
	noInterpreter := false // one is missing: there is nothing that looks for libraries
	for _, name := range [...]string{"erlexec", "beam.smp", "erl_child_setup"} {
		path := r.ERTSDir + "/bin/" + name
		_, f, err := openProgram(fsys, path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
			continue
		}
		f.Close()
		if noInterpreter {
			continue // the same one, most likely
		}
		if err := runs(fsys, path); err != nil {
			noInterpreter = true
			errs = append(errs, err)
		}
	}
	if _, err := fsys.Mode(r.ERTSDir + "/bin/epmd"); err != nil && c.Daemon {
		errs = append(errs, fmt.Errorf("%s/bin/epmd: %w; want it for distribution.epmd = \"daemon\"", r.ERTSDir, err))
	}
	if _, err := fsys.Mode(r.ERTSDir + "/bin/inet_gethost"); err != nil && strings.IndexByte(hostname, '.') < 0 {
		errs = append(errs, fmt.Errorf("%s/bin/inet_gethost: %w; "+
			"the VM halts without it where the host name has no domain; want it, or node.hostname with a domain", r.ERTSDir, err))
	}
	// One elsewhere may be on a file system that is mounted at boot.
	if path := valueOf(c.Env, "ERL_INETRC"); strings.HasPrefix(path, "/etc/") {
		if _, err := fsys.Mode(path); err != nil {
			errs = append(errs, fmt.Errorf("ERL_INETRC: %s: %w; "+
				"the VM looks names up by inet_gethost then; want the file in the image, or no ERL_INETRC", path, err))
		}
	}
	if !isDir(fsys, r.Root+"/lib") {
		errs = append(errs, errors.New(r.Root+"/lib: no such directory; want the applications of the release there"))
	}
	apps, wrong := r.checkBoot(fsys, c.Argv)
	errs = append(errs, wrong...)
	if !noInterpreter {
		errs = append(errs, r.checkLibraries(fsys, c, apps)...)
	}
	return errs
}
