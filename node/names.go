package node

import (
	"path"
	"slices"
	"time"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/hostsgen"
	"github.com/beaminit/beaminit/supervise/jobs"
)

// namesLimit is how long the image's own files in /etc may take that lie on another disk
// than PID 1 runs from, or are links to one.
const namesLimit = 5 * time.Second

// readNames is for a boot: what the image's own hosts and resolv.conf have, where who opens them may
// wait, a child reads. A file that cannot be read is as one that is not there.
func (n *node) readNames() {
	for _, target := range []string{HostsTarget, ResolvTarget} {
		if !n.mayHang(target) {
			continue
		}
		text, ok := n.readByChild(target)
		if !ok {
			n.console.Say(health.Err, target+" is left alone; only what reads "+RunDir+" itself, as ERTS does through its inetrc, sees the names")
			n.leftAlone = append(n.leftAlone, target)
		}
		n.Image.keep(target, text)
	}
}

// answers says whether the disk of a file of this node answers, before PID 1 has to do with the file
// itself.
func (n *node) answers(file string) bool {
	if !n.mayHang(file) {
		return true
	}
	_, ok := n.readByChild(file)
	return ok
}

// readByChild has a child read a file, before the loop; ok is false where that hangs.
func (n *node) readByChild(file string) (text []byte, ok bool) {
	err := n.runJob(namesJob, namesLimit, namesOrder{Target: file}, &text)
	if err != nil {
		n.console.Say(health.Err, file+": "+err.Error())
	}
	return text, err == nil
}

// writeHosts writes what resolves names. Where nobody says anything of name servers, the
// image's own resolv.conf stays, and what ERTS reads has the same.
func (n *node) writeHosts() {
	for _, target := range []string{HostsTarget, ResolvTarget} {
		if n.mayHang(target) {
			n.Image.keep(target, nil) // if readNames has not: on a disk that came late, and the loop does not read it
		}
	}
	text, notes := n.Hosts()
	for _, note := range notes {
		n.console.Say(health.Notice, note)
	}
	n.install(HostsTarget, text)
	if resolv := n.Resolv(); resolv != nil {
		n.install(ResolvTarget, resolv)
		return
	}
	image, _ := n.Image.Read(ResolvTarget)
	n.say(health.Err, hostsgen.Write(RunDir, path.Base(ResolvTarget), hostsgen.Resolv(hostsgen.ParseResolv(image))))
}

// install shows a file in the place of the image's own; that of a container is the
// runtime's, and stays.
func (n *node) install(target string, content []byte) {
	err := hostsgen.Write(RunDir, path.Base(target), content)
	if err != nil || n.Container != "" || slices.Contains(n.leftAlone, target) {
		n.say(health.Err, err)
		return
	}
	if !n.mayHang(target) {
		n.say(health.Err, hostsgen.Show(RunDir, target))
		return
	}
	n.showByChild(target)
}

// showByChild has a child do that, before the loop and in it.
func (n *node) showByChild(target string) {
	problem := new(string)
	order := namesOrder{Target: target, Show: true}
	done := func(err error) {
		if err != nil {
			n.console.Say(health.Err, target+": "+err.Error())
		} else if *problem != "" {
			n.console.Say(health.Err, *problem)
		}
	}
	if !n.supervised {
		done(n.runJob(namesJob, namesLimit, order, problem))
		return
	}
	n.jobs.Begin(jobs.Job{Name: namesJob, Order: order, Limit: namesLimit}, problem, done)
}

// namesOrder is for the job: to read the image's own file, or to show the generated one in its place.
type namesOrder struct {
	Target string
	Show   bool
}

func doNames(o *namesOrder) any {
	if !o.Show {
		image := Running()
		text, _ := image.Read(o.Target)
		return text
	}
	if err := hostsgen.Show(RunDir, o.Target); err != nil {
		return err.Error()
	}
	return ""
}

// mayHang says of a file of this node that who opens it may wait for ever. Before the loop the mounts
// are read once: PID 1 alone makes some until then, and has made them. A container has these files
// from its runtime, on a disk that is not the node's matter.
func (n *node) mayHang(file string) bool {
	if n.Container != "" {
		return false
	}
	if n.mounts == nil || n.supervised {
		list, errs := boot.Mounts()
		if errs != nil {
			return true
		}
		n.mounts = list
	}
	return boot.CanHang(n.mounts) && boot.MayHang(n.mounts, file)
}
