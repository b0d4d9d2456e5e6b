package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/launch"
	"github.com/beaminit/beaminit/supervise/policy"
	"golang.org/x/sys/unix"
)

// HandoverEnv is the variable that has the descriptor of the document in which PID 1 hands
// itself what it knows when it executes its own program anew, after a panic, or another
// version of it (beaminit reexec); or the document itself, where no file could be made for it.
// It stays process 1, its children stay its children, and the release notices nothing.
const HandoverEnv = "BEAMINIT_HANDOVER"

// handoverVersion is that of the document. It is raised when a field changes its meaning;
// fields that are new need no other one.
const handoverVersion = 2

// maxHandover bounds a document, in bytes.
const maxHandover = 4 << 20

// MaxCrashes is how often PID 1 may fall within crashWindow before it does no more
// than stay there: a panic that comes back at once would be a loop.
const (
	MaxCrashes  = 3
	crashWindow = time.Minute
)

// Handover is that knowledge.
type Handover struct {
	Version         int                          `json:"version"`
	From            string                       `json:"from,omitempty"` // the version that was told to execute this one; empty: it fell
	Boot            uint32                       `json:"boot"`
	Seq             uint32                       `json:"seq"`
	State           policy.State                 `json:"state"`
	Children        map[string]policy.ChildState `json:"children,omitempty"` // by name, all but the release
	Phases          []health.Phase               `json:"phases,omitempty"`
	Crashes         []time.Duration              `json:"falls,omitempty"`   // within crashWindow
	Why             string                       `json:"why,omitempty"`     // of the last one
	Clock           string                       `json:"clock,omitempty"`   // as in the health records
	Lasting         []string                     `json:"lasting,omitempty"` // words of warn= that the boot found, and that stay as long as it lasts
	StateDir        string                       `json:"state_dir,omitempty"`
	AfterEndPending bool                         `json:"owes_end,omitempty"` // the programs that come after an end of the release are to be run
	HeartUID        int                          `json:"heart,omitempty"`    // the user whose heart is listened to, and 1 more; 0: no heart speaks
	Healer          string                       `json:"healer,omitempty"`   // the address in the VM that is told whom to connect to; empty: none is known
	Facts           json.RawMessage              `json:"facts,omitempty"`    // what the node knows, for the same version
	FactsOf         string                       `json:"facts_of,omitempty"` // that version
	Fds             map[string]int               `json:"fds,omitempty"`      // descriptors by role

	// The descriptors, as the roles of Fds name them.
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
func (h *Handover) fds() map[string]int {
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
func (h *Handover) takeFds() {
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
func (h *Handover) encode() ([]byte, error) {
	h.Version, h.Fds = handoverVersion, h.fds()
	return json.Marshal(h)
}

// parseHandover reads a document, of this version or another: after an upgrade in place the
// release must not be lost because of a field. One that is not known is passed over, one
// that is not understood is left as it is and told in Lost. Only without the release's pid
// and phase there is nothing to go on with, and that is the error.
func parseHandover(text []byte) (h Handover, err error) {
	var known struct {
		State struct {
			PID   *int             `json:"pid"`
			Phase *json.RawMessage `json:"phase"`
		} `json:"state"`
	}
	var mismatch *json.UnmarshalTypeError
	if err := json.Unmarshal(text, &known); err != nil && !errors.As(err, &mismatch) {
		return h, fmt.Errorf("%s: %w", HandoverEnv, err)
	}
	if known.State.PID == nil || known.State.Phase == nil {
		return h, errors.New(HandoverEnv + ": want pid and phase of the release")
	}
	// encoding/json leaves out what does not fit, goes on, and tells the first.
	if err := json.Unmarshal(text, &h); errors.As(err, &mismatch) {
		h.Lost = append(h.Lost, mismatch.Field)
	} else if err != nil {
		return h, fmt.Errorf("%s: %w", HandoverEnv, err)
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

// Inherited is what the PID 1 before this one left in the environment; nil: there was none.
// All descriptors but the standard ones are close-on-exec from then on.
func Inherited() (*Handover, error) {
	text := os.Getenv(HandoverEnv)
	if text == "" {
		return nil, nil
	}
	defer closeOnExec()
	var h Handover
	fd, err := strconv.Atoi(text)
	if err == nil && fd > 2 {
		h, err = readHandover(fd)
	} else {
		h, err = parseHandover([]byte(text))
	}
	if err == nil {
		h.takeFds()
	}
	return &h, err
}

// readHandover reads the document and closes it.
func readHandover(fd int) (h Handover, err error) {
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return h, fmt.Errorf("%s: %w", HandoverEnv, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size <= 0 || st.Size > maxHandover {
		return h, errors.New(HandoverEnv + ": no document")
	}
	text := make([]byte, st.Size)
	n, err := unix.Pread(fd, text, 0)
	if err != nil {
		return h, fmt.Errorf("%s: %w", HandoverEnv, err)
	}
	return parseHandover(text[:n])
}

// closeOnExec closes what PID 1 has open for all that it executes, whoever opened it
// (close_range(2); before Linux 5.11 one by one, up to a number that is far beyond).
func closeOnExec() {
	if unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := 3; fd < 1024; fd++ {
		unix.CloseOnExec(fd)
	}
}

// AddCrash adds a fall at the time at, and forgets those that no longer count.
func (h *Handover) AddCrash(at time.Duration, why string) {
	h.Crashes, h.Why = policy.Recent(h.Crashes, at, crashWindow), why
}

// ExecSelf executes the program anew in this process. It returns only an error.
func (h *Handover) ExecSelf() error { return h.Exec("/proc/self/exe") }

// Exec executes the program of that path in this process, with all signals blocked
// until it listens (launch.BlockSignals). It returns only an error.
func (h *Handover) Exec(path string) error {
	env := []string{"HOME=/", "TERM=linux"}
	kept := h.fds()
	if fd, err := h.write(); err == nil {
		defer unix.Close(fd)
		kept[HandoverEnv] = fd
		env = append(env, HandoverEnv+"="+strconv.Itoa(fd))
	} else {
		env = append(env, HandoverEnv+"="+h.short())
	}
	for _, fd := range kept {
		unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0) // it has to survive the exec
	}
	undo := launch.BlockSignals()
	err := unix.Exec(path, append([]string{"/sbin/init"}, os.Args[1:]...), env)
	undo()
	for _, fd := range kept {
		unix.CloseOnExec(fd)
	}
	return err
}

// short is the document as it fits into the environment, of which the kernel takes 128 KiB for
// a variable (execve(2)): without the oldest ends, and without facts that can be found again.
func (h *Handover) short() string {
	s := *h
	s.State.Exits = s.State.Exits[max(0, len(s.State.Exits)-1000):]
	s.Facts = nil
	text, _ := s.encode() // of plain values: it cannot fail
	return string(text)
}

// write writes the document into a file without a name.
func (h *Handover) write() (fd int, err error) {
	text, err := h.encode()
	if err != nil {
		return -1, err
	}
	return document("handover", text)
}

// document is a file without a name that has that text, to be read from its beginning
// (memfd_create(2)); name is what /proc calls it.
func document(name string, text []byte) (fd int, err error) {
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for at := 0; at < len(text); {
		n, err := unix.Pwrite(fd, text[at:], int64(at))
		if err != nil && err != unix.EINTR {
			unix.Close(fd)
			return -1, err
		}
		at += max(n, 0)
	}
	return fd, nil
}
