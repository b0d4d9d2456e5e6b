package node

import (
	"errors"
	"strings"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/supervise/children"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
)

// The pauses before a service is started again, and the run after which they begin anew.
const (
	servicePause   = time.Second
	serviceLongest = 30 * time.Second
	serviceWindow  = time.Minute
)

// moments are the times at which services are started, in their order.
var moments = [...]string{config.Before, config.With, config.After}

// services are the entries of PID 1's table for [[service]], in the order in which they are
// started, and the last one is the first to be stopped.
func (n *node) services() (list []children.Child) {
	for _, s := range inOrder(n.Config.Services) {
		list = append(list, children.Child{
			Name: s.Name, Title: "service " + s.Name, Service: true, Early: s.Start == config.Before,
			Cgroup: serviceCgroup(s),
			Policy: policy.ChildPolicy{
				Restart: policy.Restart(s.Restart), StopTimeout: s.StopTimeout,
				Ready: policy.Ready(s.Ready), ReadyTimeout: s.ReadyTimeout,
				BackoffFirst: servicePause, BackoffLongest: serviceLongest, Window: serviceWindow,
			},
			Wanted:  func(state *policy.State) bool { return serviceWanted(s, state) },
			Command: func() (*launch.Command, error) { return n.serviceCommand(s) },
		})
	}
	return list
}

// inOrder gives the services in the order of their moments, of one moment in that of the file.
func inOrder(all []config.Service) (list []*config.Service) {
	for _, moment := range moments {
		for i := range all {
			if all[i].Start == moment {
				list = append(list, &all[i])
			}
		}
	}
	return list
}

// stopTime is how long the services may take to stop, one behind the other.
func stopTime(all []config.Service) (d time.Duration) {
	for i := range all {
		d += all[i].StopTimeout + children.KillGrace
	}
	return d
}

// readyWhen is what service.ready comes to, in words.
var readyWhen = map[string]string{config.Started: "started", config.Notify: "it says so", config.Exit: "ended with status 0"}

// ServiceLines says for a plan what is started when, in that order.
func (n *Setup) ServiceLines() (lines []string) {
	for _, s := range inOrder(n.Config.Services) {
		line := s.Name + ": " + s.Start + " the release, "
		if s.Restart == config.Never {
			line = s.Name + ": by hand alone, "
		}
		line += "ready when " + readyWhen[s.Ready]
		if s.Start == config.Before && s.Restart != config.Never {
			line += ", awaited for " + s.ReadyTimeout.String()
		}
		lines = append(lines, line+": "+strings.Join(s.Exec, " "))
	}
	return lines
}

// serviceWanted says whether a service is to run by itself. On the way down it is ended
// with all the rest, after the release.
func serviceWanted(s *config.Service, state *policy.State) bool {
	rescue := state.Phase == policy.GivenUp || state.Phase == policy.FallingBack
	switch {
	case s.Restart == config.Never: // by hand alone
		return false
	case rescue && state.Trial != policy.Rejecting: // the program that gives a system up may ask one
		return s.InRescue
	case s.Start == config.Before:
		return true
	case s.Start == config.After:
		return state.CameUp
	}
	return state.Ran
}

// serviceCommand is how a service is started: with its user's rights, and PID 1's own clean
// environment, nothing of the release's.
func (n *node) serviceCommand(s *config.Service) (*launch.Command, error) {
	bounds, known := n.release.facts.Services[s.Name]
	if why := n.release.facts.Troubled[s.Name]; why != "" {
		return nil, errors.New(why)
	} else if !known {
		return nil, errUnknown
	}
	return &launch.Command{
		Path: s.Exec[0], Argv: s.Exec, Env: launch.WithEnv(launch.ProgramEnv(), s.Env...), Dir: "/", Away: true, Bounds: bounds,
	}, nil
}
