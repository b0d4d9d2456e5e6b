package node

import (
	"errors"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/supervise"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
)

// The pauses before a service is started again, and the run after which they begin anew.
const (
	servicePause   = time.Second
	serviceLongest = 30 * time.Second
	serviceWindow  = time.Minute
)

// services are the entries of PID 1's table for [[service]].
func (n *node) services() (list []supervise.Child) {
	for i := range n.Config.Services {
		s := &n.Config.Services[i]
		list = append(list, supervise.Child{
			Name: s.Name, Title: "service " + s.Name, Service: true, Early: s.Start == config.Before,
			Policy: policy.ChildPolicy{
				Restart: policy.Restart(s.Restart), StopTimeout: s.StopTimeout,
				BackoffFirst: servicePause, BackoffLongest: serviceLongest, Window: serviceWindow,
			},
			Wanted:  func(state *policy.State) bool { return serviceWanted(s, state) },
			Command: func() (*launch.Command, error) { return n.serviceCommand(s) },
		})
	}
	return list
}

// serviceWanted says whether a service is to run by itself. On the way down it is ended
// with all the rest, after the release.
func serviceWanted(s *config.Service, state *policy.State) bool {
	switch {
	case s.Restart == config.Never: // by hand alone
		return false
	case state.Phase == policy.GivenUp || state.Phase == policy.FallingBack:
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
	return &launch.Command{Path: s.Exec[0], Argv: s.Exec, Env: append(launch.ProgramEnv(), s.Env...), Dir: "/", Away: true, Bounds: bounds}, nil
}
