package node

import (
	"errors"
	"path"
	"slices"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/files"
)

// hasOverlay says that this node is to have its root below an overlay.
func (n *Setup) hasOverlay() bool { return n.Config.Root.HasOverlay() && n.Container == "" }

// enterOverlay makes an overlay of the root "/". Where that cannot be, the root stays as it is
// mounted, and the boot goes on.
func (n *node) enterOverlay() {
	if !n.hasOverlay() {
		return
	}
	if list, _ := boot.Mounts(); boot.OverlayUpper(list) != "" {
		return // of the PID 1 before this one
	}
	err := errors.New("the root is in memory, and nothing of it is kept anyway")
	if !boot.InInitramfs() {
		var problem string
		if err = n.runJob(overlayJob, overlayLimit, n.Config.Root.Overlay, &problem); err == nil && problem != "" {
			err = errors.New(problem)
		}
	}
	if err == nil {
		err = boot.EnterOverlay(func(line string) { n.console.Say(health.Err, line) })
	}
	if err != nil {
		n.console.Say(health.Err, "root.overlay: "+err.Error()+"; the root stays as it is mounted")
		return
	}
	n.console.Say(health.Notice, "root.overlay: "+overlayGoes(&n.Config.Root))
}

// mountOverlay does that job.
func mountOverlay(where *string) any {
	if err := boot.MountOverlay(*where); err != nil {
		return err.Error()
	}
	return ""
}

func overlayGoes(r *config.Root) string {
	if r.Overlay == config.InTmpfs {
		return "what is written to the root is kept in memory until the next boot"
	}
	return "what is written to the root goes to " + r.Overlay
}

// overlayWarning says that the root is not the overlay that it is to be.
func (n *Setup) overlayWarning(mountinfo []byte) bool {
	list, _ := boot.ParseMountInfo(mountinfo)
	return n.hasOverlay() && boot.OverlayUpper(list) == ""
}

// OverlayPlan is what a plan says of the overlay, and what is wrong with it; targets are those of
// the mounts.
func (n *Setup) OverlayPlan(targets []string) (lines, problems []string) {
	r := &n.Config.Root
	if !r.HasOverlay() {
		return nil, nil
	}
	isOn := func(target string) bool {
		target = path.Clean(target)
		return target != "/" && files.Below(r.Overlay, target)
	}
	if r.Overlay != config.InTmpfs && !slices.ContainsFunc(targets, isOn) {
		problems = append(problems, n.problem("root.overlay", r.Overlay+" is on no [[mount]]",
			"a directory below the target of one", "the root as it is mounted").Error())
	}
	return []string{"overlay on /: " + overlayGoes(r) + "; beaminit.root.overlay=off on the kernel command line leaves it out"}, problems
}
