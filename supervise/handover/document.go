// Package handover is what one PID 1 tells the next when it executes its own program anew, after a
// panic, or another version of it: one document, JSON in a file without a name, and descriptors by
// role. It stays process 1, its children stay its children, and the release notices nothing.
package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// Env is the variable that has the descriptor of the document, or the document itself, where no file
// could be made for it.
const Env = "BEAMINIT_HANDOVER"

// version is that of the document. It is raised when a field changes its meaning;
// fields that are new need no other one.
const version = 2

// maxSize bounds a document, in bytes.
const maxSize = 4 << 20

// MaxCrashes is how often PID 1 may fall within CrashWindow before it does no more
// than stay there: a panic that comes back at once would be a loop.
const (
	MaxCrashes  = 3
	CrashWindow = time.Minute
)

// Document is that knowledge.
type Document struct {
	Version  int    `json:"version"`
	From     string `json:"from,omitempty"` // the version that was told to execute this one; empty: it fell
	Boot     uint32 `json:"boot"`
	StateDir string `json:"state_dir,omitempty"`

	State           policy.State                 `json:"state"`              // of the release
	Children        map[string]policy.ChildState `json:"children,omitempty"` // by name, all but the release
	AfterEndPending bool                         `json:"owes_end,omitempty"` // the programs that come after an end of it are to be run
	HeartUID        int                          `json:"heart,omitempty"`    // the user whose heart is heard, and 1 more; 0: none is
	Healer          string                       `json:"healer,omitempty"`   // the address in the VM that is told whom to connect to

	// Of the health records.
	Seq     uint32         `json:"seq"`
	Phases  []health.Phase `json:"phases,omitempty"`
	Clock   string         `json:"clock,omitempty"`
	Lasting []string       `json:"lasting,omitempty"` // words of warn= that the boot found, and that stay

	Crashes []time.Duration `json:"falls,omitempty"` // within CrashWindow
	Why     string          `json:"why,omitempty"`   // of the last one

	Facts   json.RawMessage `json:"facts,omitempty"`    // what the node knows, for the same version
	FactsOf string          `json:"facts_of,omitempty"` // that version

	// The descriptors by role, and what the roles name.
	Fds      map[string]int    `json:"fds,omitempty"`
	Output   [2]int            `json:"-"` // the pipe of the release's output: read end, write end; 0: none
	Watchdog int               `json:"-"` // 0: none is open
	Notify   int               `json:"-"` // the socket on which the release says that it is ready; 0: none
	Heart    int               `json:"-"` // that of its heart
	Terminal *console.Terminal `json:"-"` // of the release; nil: none
	Lines    map[string]int    `json:"-"` // the read end of the output of a child, by its name
	Notices  map[string]int    `json:"-"` // the socket on which a child says that it is ready

	Lost []string `json:"-"` // what this version could not read
}

// The roles of descriptors.
const (
	outputReadRole, outputWriteRole                         = "output.read", "output.write"
	watchdogRole, notifyRole, heartRole                     = "watchdog", "notify", "heart"
	terminalMasterRole, terminalSlaveRole, terminalRingRole = "terminal.master", "terminal.slave", "terminal.ring"
	linesRole                                               = "lines."   // and the name of the child
	noticesRole                                             = "notices." // likewise
)

// fds is the table of descriptors by role.
func (h *Document) fds() map[string]int {
	table := map[string]int{}
	put := func(role string, fd int) {
		if fd > 0 {
			table[role] = fd
		}
	}
	put(outputReadRole, h.Output[0])
	put(outputWriteRole, h.Output[1])
	put(watchdogRole, h.Watchdog)
	put(notifyRole, h.Notify)
	put(heartRole, h.Heart)
	if t := h.Terminal; t != nil {
		put(terminalMasterRole, t.Master)
		put(terminalSlaveRole, t.Slave)
		put(terminalRingRole, t.Ring)
	}
	for name, fd := range h.Lines {
		put(linesRole+name, fd)
	}
	for name, fd := range h.Notices {
		put(noticesRole+name, fd)
	}
	return table
}

// takeFds takes the descriptors out of the table. Those of a role that only another version
// knows are closed.
func (h *Document) takeFds() {
	terminal := console.Terminal{Ring: -1}
	for role, fd := range h.Fds {
		name, isLines := strings.CutPrefix(role, linesRole)
		speaker, isNotices := strings.CutPrefix(role, noticesRole)
		switch {
		case fd <= 2:
		case role == outputReadRole:
			h.Output[0] = fd
		case role == outputWriteRole:
			h.Output[1] = fd
		case role == watchdogRole:
			h.Watchdog = fd
		case role == notifyRole:
			h.Notify = fd
		case role == heartRole:
			h.Heart = fd
		case role == terminalMasterRole:
			terminal.Master = fd
		case role == terminalSlaveRole:
			terminal.Slave = fd
		case role == terminalRingRole:
			terminal.Ring = fd
		case isLines:
			if h.Lines == nil {
				h.Lines = map[string]int{}
			}
			h.Lines[name] = fd
		case isNotices:
			if h.Notices == nil {
				h.Notices = map[string]int{}
			}
			h.Notices[speaker] = fd
		default:
			unix.Close(fd)
			h.Lost = append(h.Lost, "descriptor "+role)
		}
	}
	if terminal.Master > 0 && terminal.Slave > 0 {
		h.Terminal = &terminal
	}
	slices.Sort(h.Lost)
}

// encode is the document.
func (h *Document) encode() ([]byte, error) {
	h.Version, h.Fds = version, h.fds()
	return json.Marshal(h)
}

// parse reads a document, of this version or another: after an upgrade in place the
// release must not be lost because of a field. One that is not known is passed over, one
// that is not understood is left as it is and told in Lost. Only without the release's pid
// and phase there is nothing to go on with, and that is the error.
func parse(text []byte) (h Document, err error) {
	var known struct {
		State struct {
			PID   *int             `json:"pid"`
			Phase *json.RawMessage `json:"phase"`
		} `json:"state"`
	}
	var mismatch *json.UnmarshalTypeError
	if err := json.Unmarshal(text, &known); err != nil && !errors.As(err, &mismatch) {
		return h, fmt.Errorf("%s: %w", Env, err)
	}
	if known.State.PID == nil || known.State.Phase == nil {
		return h, errors.New(Env + ": want pid and phase of the release")
	}
	// encoding/json leaves out what does not fit, goes on, and tells the first.
	if err := json.Unmarshal(text, &h); errors.As(err, &mismatch) {
		h.Lost = append(h.Lost, mismatch.Field)
	} else if err != nil {
		return h, fmt.Errorf("%s: %w", Env, err)
	}
	h.State.Phase = phaseOf(h.State.Phase, h.State.PID)
	if s := &h.State; s.Kill < policy.KillNone || s.Kill > policy.KillStuck {
		s.Kill, h.Lost = policy.KillNone, append(h.Lost, "state.kill")
	}
	if s := &h.State; s.Pending < policy.NoAction || s.Pending > policy.KillPending {
		s.Pending, h.Lost = policy.NoAction, append(h.Lost, "state.then")
	}
	return h, nil
}

// phaseOf reads a phase. One that only another version knows is what it comes to in
// this one: the release runs, or is to be started.
func phaseOf(p policy.Phase, pid int) policy.Phase {
	switch {
	case p >= policy.Waiting && p < policy.PhaseCount:
		return p
	case pid != 0:
		return policy.Running
	}
	return policy.Between
}
