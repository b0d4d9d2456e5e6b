package node

import (
	"testing"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/supervise/policy"
)

// When a service is to run, by the state of the release.
func TestServiceWanted(t *testing.T) {
	before, with, rescue := config.Service{Start: config.Before}, config.Service{Start: config.With}, config.Service{Start: config.After, InRescue: true}
	tests := []struct {
		name    string
		service config.Service
		state   policy.State
		want    bool
	}{
		{"before the release", before, policy.State{}, true},
		{"with it, before its start", with, policy.State{}, false},
		{"with it", with, policy.State{Ran: true, Phase: policy.Running}, true},
		{"after it, while it starts", rescue, policy.State{Ran: true, Phase: policy.Running}, false},
		{"in rescue", before, policy.State{Ran: true, Phase: policy.GivenUp}, false},
		{"for rescue", rescue, policy.State{Ran: true, Phase: policy.GivenUp}, true},
		{"a system is given up, whose program may ask it", before, policy.State{Ran: true, Phase: policy.GivenUp, Trial: policy.Rejecting}, true},
		{"by hand alone", config.Service{Start: config.Before, Restart: config.Never}, policy.State{}, false},
	}
	for _, tt := range tests {
		if got := serviceWanted(&tt.service, &tt.state); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
