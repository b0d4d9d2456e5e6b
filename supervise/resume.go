package supervise

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/supervise/policy"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/console"
	"golang.org/x/sys/unix"
)

// ResumeEnv is the variable in which PID 1 hands itself what it knows when it
// executes its own program anew, after a panic, or another version of it (beaminit
// reexec). It stays process 1, its children stay its children, and the release notices
// nothing.
const ResumeEnv = "BEAMINIT_RESUME"

// MaxFalls is how often PID 1 may fall within FallWindow before it does no more
// than stay there: a panic that comes back at once would be a loop.
const (
	MaxFalls   = 3
	FallWindow = time.Minute
)

// Resume is that knowledge.
type Resume struct {
	Boot, Seq uint32
	State     policy.State
	Phases    []health.Phase
	Output    [2]int            // the pipe of the release's output: read end, write end; 0: none
	Watchdog  int               // its descriptor; 0: none is open
	Notify    int               // the socket on which the release says that it is ready; 0: none
	Ear       int               // the user whose heart is listened to, and 1 more; 0: no heart speaks
	Companion int               // pid of what runs beside the release; 0: none
	Relay     int               // pid of the relay of Terminal; 0: none
	Terminal  *console.Terminal // of the release; nil: none
	Falls     []time.Duration   // within FallWindow
	Why       string            // of the last one
	Clock     string            // as in the health records
	From      string            // the version that was told to execute this one; empty: it fell
	Lost      []string          // fields that this version could not read
	Healer    string            // the address in the VM that is told whom to connect to; empty: none is known
	StateDir  string            // of what outlives a reboot, where it is mounted; empty: nowhere
}

// Encode gives the text for ResumeEnv: fields with a name, durations in ns.
func (r Resume) Encode() string {
	s := &r.State
	f := []string{
		"v=1",
		"boot=" + strconv.FormatUint(uint64(r.Boot), 10),
		"seq=" + strconv.FormatUint(uint64(r.Seq), 10),
		"phase=" + strconv.Itoa(int(s.Phase)),
		"pid=" + strconv.Itoa(s.PID),
		"flags=" + flags(s.Ran, s.Answered, s.Hung, s.Killed, s.CameUp, s.FellBack, s.Ready, s.Started, s.Notified),
		"runs=" + strconv.Itoa(s.Runs),
		"failed=" + strconv.Itoa(s.Failed),
		"fallback=" + strconv.Itoa(s.Fallback),
		"restarts=" + strconv.Itoa(s.Restarts),
		"started=" + strconv.FormatInt(int64(s.StartedAt), 10),
		"backoff=" + strconv.FormatInt(int64(s.Backoff), 10),
		"next=" + strconv.FormatInt(int64(s.NextAt), 10),
		"action=" + string(s.Action),
		"exits=" + times(s.Exits),
		"falls=" + times(r.Falls),
		"output=" + strconv.Itoa(r.Output[0]) + "," + strconv.Itoa(r.Output[1]),
		"watchdog=" + strconv.Itoa(r.Watchdog),
		"notify=" + strconv.Itoa(r.Notify),
		"ear=" + strconv.Itoa(r.Ear),
		"kill=" + strconv.Itoa(int(s.Kill)),
		"fatal=" + hex.EncodeToString([]byte(s.Fatal)),
		"beat=" + times([]time.Duration{s.BeatAt, s.BeatSpan, s.SnoozeUntil}),
		"unpetted=" + flags(s.Unpetted),
		"with=" + strconv.Itoa(r.Companion),
		"swhy=" + hex.EncodeToString([]byte(s.Why)),
		"why=" + hex.EncodeToString([]byte(r.Why)),
		"clock=" + r.Clock,
		"then=" + strconv.Itoa(int(s.Then)),
		"from=" + hex.EncodeToString([]byte(r.From)),
		"healer=" + hex.EncodeToString([]byte(r.Healer)),
		"dir=" + hex.EncodeToString([]byte(r.StateDir)),
	}
	if t := r.Terminal; t != nil {
		f = append(f, "terminal="+strconv.Itoa(t.Master)+","+strconv.Itoa(t.Slave)+","+strconv.Itoa(t.Ring)+","+strconv.Itoa(r.Relay))
	}
	for _, p := range r.Phases {
		f = append(f, "done="+hex.EncodeToString([]byte(p.Name))+","+strconv.FormatInt(int64(p.At), 10))
	}
	return strings.Join(f, " ")
}

func flags(list ...bool) string {
	b := make([]byte, len(list))
	for i, f := range list {
		b[i] = '0'
		if f {
			b[i] = '1'
		}
	}
	return string(b)
}

func times(list []time.Duration) string {
	var f []string
	for _, t := range list {
		f = append(f, strconv.FormatInt(int64(t), 10))
	}
	return strings.Join(f, ",")
}

// ParseResume reads what Encode wrote, in this version or another: after an upgrade in
// place the release must not be lost because of a field. One that is not known is passed
// over, one that is not understood is left as it is and named in Lost. Only without the
// release's pid and phase there is nothing to go on with, and that is the error.
func ParseResume(text string) (r Resume, err error) {
	needed := 0
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		err := r.set(name, value)
		switch {
		case err == nil && (name == "pid" || name == "phase"):
			needed++
		case err != nil && name == "pid":
			return r, fmt.Errorf("%s: %s=%s: %w", ResumeEnv, name, value, err)
		case err != nil:
			r.Lost = append(r.Lost, name)
		}
	}
	if needed != 2 {
		return r, errors.New(ResumeEnv + ": want pid and phase of the release, once each")
	}
	r.State.Phase = phaseOf(int(r.State.Phase), r.State.PID)
	return r, nil
}

// phaseOf reads a phase. One that only another version knows is what it comes to in
// this one: the release runs, or is to be started.
func phaseOf(n int, pid int) policy.Phase {
	switch {
	case n >= int(policy.Waiting) && n < int(policy.PhaseCount):
		return policy.Phase(n)
	case pid != 0:
		return policy.Running
	}
	return policy.Between
}

func (r *Resume) set(name, value string) (err error) {
	s := &r.State
	switch name {
	case "boot":
		r.Boot, err = parse32(value)
	case "seq":
		r.Seq, err = parse32(value)
	case "phase":
		var n int
		n, err = strconv.Atoi(value)
		s.Phase = policy.Phase(n)
	case "pid":
		s.PID, err = strconv.Atoi(value)
	case "flags":
		// In the order of the versions: an older one has less, a newer one more.
		for i, flag := range [...]*bool{&s.Ran, &s.Answered, &s.Hung, &s.Killed, &s.CameUp, &s.FellBack, &s.Ready, &s.Started, &s.Notified} {
			*flag = i < len(value) && value[i] == '1'
		}
		if len(value) <= 6 { // a version for which an answer was enough
			s.Ready = s.Answered
		}
	case "runs":
		s.Runs, err = strconv.Atoi(value)
	case "failed":
		s.Failed, err = strconv.Atoi(value)
	case "fallback":
		s.Fallback, err = strconv.Atoi(value)
	case "restarts":
		s.Restarts, err = strconv.Atoi(value)
	case "started":
		s.StartedAt, err = parseTime(value)
	case "backoff":
		s.Backoff, err = parseTime(value)
	case "next":
		s.NextAt, err = parseTime(value)
	case "action":
		if strings.Trim(value, "abcdefghijklmnopqrstuvwxyz") != "" {
			return errors.New("want a word")
		}
		s.Action = policy.Action(value)
	case "exits":
		s.Exits, err = parseTimes(value)
	case "falls":
		r.Falls, err = parseTimes(value)
	case "output":
		read, write, _ := strings.Cut(value, ",")
		if r.Output[0], err = strconv.Atoi(read); err == nil {
			r.Output[1], err = strconv.Atoi(write)
		}
	case "watchdog":
		r.Watchdog, err = strconv.Atoi(value)
	case "notify":
		r.Notify, err = strconv.Atoi(value)
	case "ear":
		r.Ear, err = strconv.Atoi(value)
	case "kill":
		var n int
		if n, err = strconv.Atoi(value); err == nil && (n < int(policy.KillNone) || n > int(policy.KillStuck)) {
			err = errors.New("no such stage")
		}
		s.Kill = policy.KillStage(n)
	case "fatal":
		s.Fatal, err = parseText(value)
	case "beat":
		var list []time.Duration
		if list, err = parseTimes(value); err == nil && len(list) != 3 {
			err = errors.New("want three")
		} else if err == nil {
			s.BeatAt, s.BeatSpan, s.SnoozeUntil = list[0], list[1], list[2]
		}
	case "unpetted":
		s.Unpetted = value == "1"
	case "with":
		r.Companion, err = strconv.Atoi(value)
	case "terminal":
		return r.setTerminal(value)
	case "swhy":
		s.Why, err = parseText(value)
	case "why":
		r.Why, err = parseText(value)
	case "clock":
		r.Clock = value
	case "then":
		var n int
		n, err = strconv.Atoi(value)
		s.Then = policy.Then(n)
	case "from":
		r.From, err = parseText(value)
	case "healer":
		r.Healer, err = parseText(value)
	case "dir":
		r.StateDir, err = parseText(value)
	case "done":
		err = r.setPhase(value)
	}
	return err
}

func (r *Resume) setPhase(value string) error {
	name, at, _ := strings.Cut(value, ",")
	text, err := parseText(name)
	if err != nil {
		return err
	}
	t, err := parseTime(at)
	r.Phases = append(r.Phases, health.Phase{Name: text, At: t})
	return err
}

func (r *Resume) setTerminal(value string) error {
	t := new(console.Terminal)
	list := strings.Split(value, ",")
	if len(list) < 4 {
		return errors.New("want four")
	}
	for i, field := range [...]*int{&t.Master, &t.Slave, &t.Ring, &r.Relay} {
		var err error
		if *field, err = strconv.Atoi(list[i]); err != nil {
			return err
		}
	}
	r.Terminal = t
	return nil
}

func parse32(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

func parseTime(s string) (time.Duration, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Duration(n), err
}

func parseTimes(s string) (list []time.Duration, err error) {
	if s == "" {
		return nil, nil
	}
	for _, f := range strings.Split(s, ",") {
		t, err := parseTime(f)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

func parseText(s string) (string, error) {
	b, err := hex.DecodeString(s)
	return string(b), err
}

// Fell adds a fall at the time at, and forgets those that no longer count.
func (r *Resume) Fell(at time.Duration, why string) {
	r.Falls, r.Why = policy.Recent(r.Falls, at, FallWindow), why
}

// Again executes the program anew in this process. It returns only an error.
func (r Resume) Again() error { return r.Become("/proc/self/exe") }

// Become executes the program of that path in this process. It returns only an error.
func (r Resume) Become(path string) error {
	kept := []int{r.Output[0], r.Output[1], r.Watchdog, r.Notify}
	if t := r.Terminal; t != nil {
		kept = append(kept, t.Master, t.Slave, t.Ring)
	}
	for _, fd := range kept {
		if fd > 0 {
			unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0) // it has to survive the exec
		}
	}
	undo := blockSignals()
	defer undo()
	env := []string{ResumeEnv + "=" + r.Encode(), "HOME=/", "TERM=linux"}
	err := unix.Exec(path, append([]string{"/sbin/init"}, os.Args[1:]...), env)
	for _, fd := range kept {
		if fd > 0 {
			unix.CloseOnExec(fd)
		}
	}
	return err
}
