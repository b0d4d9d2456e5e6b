package node

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"syscall"

	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/files"
	"github.com/beaminit/beaminit/release"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/cgroup"
	"github.com/beaminit/beaminit/supervise/evidence"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/notify"
)

// releaseState is what PID 1 knows of the release beside its command.
type releaseState struct {
	facts        facts
	handed       bool     // by the PID 1 before this one
	name         string   // of the Erlang node, once something has asked for it
	tried        bool     // it has been started, or at least tried, once
	foundSaid    []string // what is wrong with it as it was found, said last; nil: nothing was yet
	problemsSaid []string // and with its command
}

// findRelease looks for the release; without one the node goes to rescue. Where the disk
// does not say in time whether there is one, it is looked for again at its start.
func (n *node) findRelease() {
	var f facts
	if !filesCanHang() {
		f = n.releaseFacts(1, false)
	} else if h, ok := n.takeHanded(); ok { // the release runs: PID 1 is not to wait for its disk
		f, n.release.handed = h.Facts, true
	} else if err := n.runJob(releaseJob, releaseLimit, n.releaseQuery(1, false), &f); err != nil {
		n.say(health.Err, err)
		return
	}
	n.useFacts(&f)
	n.say(health.Err, n.Failed)
	n.sayNew(f.Problems, &n.release.foundSaid)
}

// sayNew says what is wrong where it is not what was said of it last.
func (n *node) sayNew(problems []string, said *[]string) {
	if !slices.Equal(problems, *said) {
		for _, problem := range problems {
			n.console.Say(health.Err, problem)
		}
	}
	*said = append([]string{}, problems...) // nothing said is not nil
}

// handed is what one PID 1 tells the next of the same version, so that it waits for no disk.
type handed struct {
	Facts facts
	Key   health.Key // of the health records; nil: they are not signed
}

// takeHanded is what the PID 1 before this one knew, where it was of the same version and the
// release had been started.
func (n *node) takeHanded() (h handed, ok bool) {
	ok = n.resumes() && n.resume.FactsOf == n.build.Version && json.Unmarshal(n.resume.Facts, &h) == nil
	return h, ok
}

// renewFacts has the release looked for behind a start of PID 1 that did not wait for it.
func (n *node) renewFacts() {
	if !n.release.handed {
		return
	}
	f := new(facts)
	n.jobs.Begin(jobs.Job{Name: releaseJob, Order: n.releaseQuery(1, false), Limit: releaseLimit}, f, func(err error) {
		if n.say(health.Err, err); err == nil && !n.release.tried {
			n.useFacts(f)
		}
	})
}

func (n *node) handOn() json.RawMessage {
	text, err := json.Marshal(handed{n.release.facts, n.key})
	n.say(health.Err, err)
	return text
}

// releaseQuery is what a child has to know to look for it.
func (n *node) releaseQuery(run int, start bool) *releaseQuery {
	return &releaseQuery{
		Sources: &n.sources, Hostname: n.Config.Node.Hostname, Address: n.network.address, Peers: n.Found.Peers,
		StateDir: n.StateDir, Boot: n.Boot, TTY: n.TTY, Uncuttable: n.Uncuttable, Run: run, Start: start,
	}
}

// useFacts takes over what was found.
func (n *node) useFacts(f *facts) {
	n.release.facts, n.Failed = *f, nil
	if f.Failed != "" {
		n.Failed = errors.New(f.Failed)
		return
	}
	n.release.name, n.Unprobed, n.Unnamed = f.Node, f.Mesh.Unprobed, f.Mesh.Unnamed
}

// FindUser looks up whom the release is to run as. A user that is not there is no
// reason to run it as root: the node goes to rescue.
func (n *Setup) FindUser() {
	const notStarted = "none: the release is not started"
	u, err := release.FindUser(n.Config.Release.User, n.Image.Read)
	if group := n.Config.Release.Group; err == nil && group != "" {
		if u, err = u.InGroup(group, n.Image.Read); err != nil {
			n.Failed = n.problem("release.group", err.Error(),
				"a name that is in "+release.GroupPath+" of the image, or a number", notStarted)
			return
		}
	}
	if err != nil {
		n.Failed = n.problem("release.user", err.Error(), "a name that is in "+release.PasswdPath+" of the image, or a number", notStarted)
	}
	if u != nil && launch.IsOwnUser(u.UID) {
		n.Failed = n.problem("release.user", u.String()+" is a user of PID 1's own children", "another number", notStarted)
	}
	n.User = u
}

// Command is what starts the release, computed from what is there now: the
// cookie may have been written since the last time.
func (n *Setup) Command(run int) release.Command {
	cmd := n.Release.Command(n.Inputs(run))
	if _, _, undescribed := n.terminalEnv(); undescribed != nil {
		cmd.Problems = append(cmd.Problems, undescribed)
	}
	return cmd
}

func (n *Setup) Inputs(run int) release.Inputs {
	c := n.Config
	in := release.Inputs{
		Release: c.Release, Distribution: n.distribution(), Hostname: c.Node.Hostname,
		Inetrc: InetrcPath, StopTimeout: c.Supervise.StopTimeout, User: n.User,
		Heart: c.Watchdog.Criterion == config.ByHeart, WhoseHeart: n.whoseHeart,
		IPv6: onlyIPv6(c),
	}
	in.Notify, in.Keepalive, in.WaitForPeers = notify.Socket, n.Uncuttable || !n.knowsPeers(), c.Distribution.WaitForPeers
	in.DefaultNames, in.Erlinit = !c.IsSet("distribution.names"), c.DropIn()
	self := selfIndex(c)
	in.DefaultPort = !c.IsSet("distribution.port") && (self < 0 || c.Peers[self].Port == 0)
	in.HomeCookie = n.homeCookie()
	in.Term, in.Terminfo, _ = n.terminalEnv()
	d := n.dumps()
	in.Dump, in.DumpBytes, in.DumpSeconds = d.Dump(evidence.Run(n.Boot, run)), d.Bytes, d.Seconds
	in.Domain = c.Domain()
	own := n.addressInName()
	if own.IsValid() {
		in.Distribution.Names, in.Hostname = config.LongNames, own.String()
	}
	for _, p := range n.peers() {
		in.Peers, in.PeerNames = append(in.Peers, hostPart(&p, own.IsValid())), append(in.PeerNames, p.Node)
	}
	cookie, err := n.readSecret(c.Distribution.CookieFile)
	if in.Cookie = cookie; files.IsRefused(err) {
		in.Refused = err
	}
	return in
}

// ready is what makes the release ready (health.ready). One that nobody can ask cannot
// answer either: it says so itself.
func (n *Setup) ready() string {
	if n.Unprobed && n.Config.Health.Ready == config.Listening {
		return config.Started
	}
	return n.Config.Health.Ready
}

// prepare makes everything ready for a start of the release, and calls done. The release
// is looked for each time: another one may have been installed.
func (n *node) prepare(run int, done func(supervise.Release, error)) {
	if !n.release.tried && !cluster.CanDestroy() {
		n.Uncuttable = true
		n.console.Say(health.Notice, "the kernel cannot end a dead connection (CONFIG_INET_DIAG_DESTROY): "+
			"the VM finds out by keepalive, within 9 s")
	}
	if !filesCanHang() {
		f := n.releaseFacts(run, true)
		done(n.releaseReady(&f, false))
		return
	}
	f := new(facts)
	n.jobs.Begin(jobs.Job{Name: releaseJob, Order: n.releaseQuery(run, true), Limit: releaseLimit}, f, func(err error) {
		if err != nil {
			done(supervise.Release{}, err)
			return
		}
		done(n.releaseReady(f, true))
	})
}

// releaseReady takes over what was made ready; away says that a disk can hold it up. What there is
// to say about it is said when it is new.
func (n *node) releaseReady(f *facts, away bool) (supervise.Release, error) {
	n.useFacts(f)
	first := n.release.problemsSaid == nil
	n.release.tried = true
	if n.Failed != nil {
		return supervise.Release{}, n.Failed
	}
	if f.Looked {
		n.sayNew(f.Problems, &n.release.foundSaid)
	}
	n.sayNew(f.Said, &n.release.problemsSaid)
	if first {
		for _, note := range f.Notes {
			n.console.Say(health.Notice, note)
		}
	}
	n.moveDumps()
	r := f.Release
	if r.Heart {
		n.say(health.Err, linkHeart())
	}
	r.Peers, r.Command.Away = n.otherPeers(), away
	if r.Sidecar != nil { // it lies where the release does
		r.Sidecar.Away = away
	}
	if f.Refused != "" {
		return r, errors.New(f.Refused)
	}
	return r, nil
}

// bounds are those of the release.
func (n *Setup) bounds(u *release.User) launch.Bounds {
	c := &n.Config.Release
	return boundsOf(u, launch.Bounds{Limits: c.Limits, Capabilities: c.Capabilities, OOMScoreAdj: c.OOMScoreAdj})
}

// releaseCgroup is the cgroup of the release; nil: it has none of its own.
func (n *Setup) releaseCgroup() *cgroup.Group {
	return cgroup.New(cgroup.Release, n.Config.Release.Cgroup)
}

func serviceCgroup(s *config.Service) *cgroup.Group {
	return cgroup.New(cgroup.Service+s.Name, s.Cgroup)
}

// CgroupLines say for a plan what groups there are.
func (n *Setup) CgroupLines() (lines []string) {
	if g := n.releaseCgroup(); g != nil {
		lines = append(lines, g.String())
	}
	for i := range n.Config.Services {
		if g := serviceCgroup(&n.Config.Services[i]); g != nil {
			lines = append(lines, g.String())
		}
	}
	return lines
}

// RemoteBounds are those of a process that asks the release for this one, in beaminit
// remote and rpc: no more than the release has, though root may have called for it.
func (n *Setup) RemoteBounds() launch.Bounds {
	b := launch.Bounds{NoNewPrivs: true}
	if os.Geteuid() != 0 {
		return b
	}
	b.User = credential(n.User)
	if b.User == nil || b.User.Uid == 0 { // as a user it has no need of one
		b.Capabilities = n.Config.Release.Capabilities
	}
	return b
}

// boundsOf adds the user; nil: root.
func boundsOf(u *release.User, b launch.Bounds) launch.Bounds {
	b.User = credential(u)
	return b
}

// credential is the user as the kernel has it; nil: root.
func credential(u *release.User) *syscall.Credential {
	if u == nil {
		return nil
	}
	return &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
}

// nodeName is the name of the Erlang node, as far as it is known: that of the last
// start of the release, or what the first one will give it.
func (n *node) nodeName() string {
	if n.Config == nil {
		return "?"
	}
	if n.release.name == "" {
		n.release.name = n.Config.Distribution.Name
		if n.release.name == "" {
			n.release.name = "beaminit"
		}
		n.release.name += "@" + n.Config.Node.Hostname
	}
	return n.release.name
}

// FindRelease finds the release, and what of its command has to be known before one is made.
func (n *Setup) FindRelease() {
	n.locate()
	if n.Failed == nil {
		cmd := n.Release.Command(n.Inputs(1))
		n.Unprobed, n.Unnamed = cmd.Unprobed != "", cmd.Unnamed
	}
}

// files is how what the release is made of is read.
func (n *Setup) files() release.FS {
	if n.User == nil || n.User.UID == 0 || !n.isLive() {
		return n.Image.Root
	}
	return release.UserFS{Root: n.Image.Root, User: n.User}
}

// locate finds where the release lies and what it is.
func (n *Setup) locate() {
	n.FindUser() // what is wrong with it is for who starts the release to say
	n.Release, n.Failed = release.Find(n.files(), n.Config.Release)
	if n.Failed == nil && n.Config.FromErlinit() && !n.Release.Mix {
		n.Release.FindConsolidated(n.Image.Root)
	}
	if n.Failed == nil && n.Config.Console.TTY != "" {
		n.Release.FindIEx(n.Image.Root)
	}
}
