package node

import (
	"errors"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// facts are all that PID 1 knows of the release and of the files that its start takes. They are
// data alone: where they may lie on a disk or a network that hangs, a child finds it out.
type facts struct {
	Failed   string   // why there is no release to start; empty: there is one
	Looked   bool     // the release was looked for, and not only known from before
	Problems []string // what is wrong with it, and what is used instead
	Node     string   // the name of its node
	Mesh     Mesh
	Dumps    evidence.Dumps
	Ahead    *launch.Command          // reads it ahead; nil: nothing to read
	Services map[string]launch.Bounds // by name
	Troubled map[string]string        // and why one has none

	// Of an order with Start:
	Refused string            // why it must not be started; empty: it may
	Said    []string          // problems of its command, and what is wrong with the node's certificate
	Notes   []string          // what of the release is left out or stands in its way
	Release supervise.Release // how it is started
}

// releaseFacts finds out what an order asks for. It may hang where a disk does.
func (n *Setup) releaseFacts(run int, start bool) (f facts) {
	n.services(&f)
	if n.Release == nil || n.Failed != nil || run > 1 { // another one may have been installed
		n.locate()
		if f.Looked = true; n.Failed == nil {
			for _, err := range n.Release.Problems {
				f.Problems = append(f.Problems, err.Error())
			}
			n.FindUser()
		}
	}
	if n.Failed != nil {
		f.Failed = n.Failed.Error()
		return f
	}
	cmd := n.Command(run)
	n.Unprobed, n.Unnamed = cmd.Unprobed != "", cmd.Unnamed
	f.Node, f.Mesh, f.Dumps, f.Ahead = cmd.Node, MeshOf(&cmd), n.dumps(), n.readahead(cmd.Mode)
	if cmd.Dump != f.Dumps.Dump(evidence.Run(n.Boot, run)) { // it has a place of its own
		f.Dumps.Own = &evidence.Own{Path: cmd.Dump}
	}
	if start {
		n.makeReady(&f, &cmd)
	}
	return f
}

// makeReady makes everything ready for a start.
func (n *Setup) makeReady(f *facts, cmd *release.Command) {
	cmd.Files = append(cmd.Files, release.File{Path: InetrcPath, Mode: 0o644, Content: n.Inetrc()})
	err := n.TLSProblem(cmd)
	if err == nil {
		err = cmd.Prepare()
	}
	if err != nil {
		f.Refused = err.Error()
	}
	for _, problem := range cmd.Problems {
		f.Said = append(f.Said, problem.Error())
	}
	f.Notes = cmd.Notes
	if err := n.CheckCertificate(cmd.Node); err != nil {
		f.Said = append(f.Said, err.Error())
	}
	r := supervise.Release{
		Command: launch.Command{Path: cmd.Path, Argv: cmd.Argv, Env: cmd.Env, Dir: cmd.Dir, TTY: cmd.TTY, Bounds: n.bounds(cmd.User)},
		Heart:   cmd.Heart, Ready: n.ready(), Unprobed: n.Unprobed, Dumps: f.Dumps, Notify: 0o600,
	}
	if dir := n.Config.Release.WorkingDirectory; dir != "" && unix.Stat(dir+"/.", &unix.Stat_t{}) != nil {
		r.Command.Dir = n.Release.Root
		f.Said = append(f.Said, n.problem("release.working_directory", dir+" is no directory",
			"one that is there when the release is started", r.Command.Dir).Error())
	}
	if len(n.Config.Release.Wrapper) > 0 { // it may become another user
		r.Notify = 0o666
	}
	if cmd.Daemon {
		r.Sidecar = epmdCommand(n.Release, r.Command)
	}
	f.Release = r
}

// services finds out as whom they run.
func (n *Setup) services(f *facts) {
	for i := range n.Config.Services {
		s := &n.Config.Services[i]
		bounds, err := n.serviceBounds(s)
		if err != nil {
			if f.Troubled == nil {
				f.Troubled = map[string]string{}
			}
			f.Troubled[s.Name] = err.Error()
			continue
		}
		if f.Services == nil {
			f.Services = map[string]launch.Bounds{}
		}
		f.Services[s.Name] = bounds
	}
}

// UnknownUsers is for a plan: services whose user or group the image has not.
func (n *Setup) UnknownUsers() (problems []error) {
	for i := range n.Config.Services {
		s := &n.Config.Services[i]
		if _, err := n.serviceBounds(s); err != nil {
			problems = append(problems, n.problem("service", s.Name+": "+err.Error(), "another one", ""))
		}
	}
	return problems
}

// errUnknown is why nothing is started of which nothing is known yet.
var errUnknown = errors.New("not known yet: the files that say so have not been read")

func (n *Setup) serviceBounds(s *config.Service) (b launch.Bounds, err error) {
	user, err := release.FindUser(s.User, n.Image.Read)
	if err == nil && s.Group != "" {
		user, err = user.InGroup(s.Group, n.Image.Read)
	}
	if err == nil && user != nil && launch.IsOwnUser(user.UID) {
		err = errors.New("user " + user.String() + " is one of PID 1's own children")
	}
	if err != nil {
		return b, err
	}
	return boundsOf(user, launch.Bounds{Limits: s.Limits, Capabilities: s.Capabilities}), nil
}
