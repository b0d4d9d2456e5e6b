package supervise

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/policy"
)

// The hand-over as versions before this one wrote and read it: a text in the environment.
// It is written beside the document, so that one can go back to them too.

const (
	// ResumeEnv is the variable of that text.
	ResumeEnv  = "BEAMINIT_RESUME"
	maxExitsV1 = 1000
)

// encodeV1 gives the text for ResumeEnv: fields with a name, durations in ns. The kernel
// takes 128 KiB for one variable (execve(2)), so not all ends are told.
func (r *Handover) encodeV1() string {
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
		"exits=" + times(s.Exits[max(0, len(s.Exits)-maxExitsV1):]),
		"falls=" + times(r.Crashes),
		"output=" + strconv.Itoa(r.Output[0]) + "," + strconv.Itoa(r.Output[1]),
		"watchdog=" + strconv.Itoa(r.Watchdog),
		"notify=" + strconv.Itoa(r.Notify),
		"ear=" + strconv.Itoa(r.HeartUID),
		"kill=" + strconv.Itoa(int(s.Kill)),
		"fatal=" + hex.EncodeToString([]byte(s.Fatal)),
		"beat=" + times([]time.Duration{s.BeatAt, s.BeatSpan, s.SnoozeUntil}),
		"unpetted=" + flags(s.Unpetted),
		"with=" + strconv.Itoa(r.Children[sidecarName].PID),
		"swhy=" + hex.EncodeToString([]byte(s.Why)),
		"why=" + hex.EncodeToString([]byte(r.Why)),
		"clock=" + r.Clock,
		"then=" + strconv.Itoa(int(s.Pending)),
		"from=" + hex.EncodeToString([]byte(r.From)),
		"healer=" + hex.EncodeToString([]byte(r.Healer)),
		"dir=" + hex.EncodeToString([]byte(r.StateDir)),
	}
	if t := r.Terminal; t != nil {
		f = append(f, "terminal="+strconv.Itoa(t.Master)+","+strconv.Itoa(t.Slave)+","+strconv.Itoa(t.Ring)+","+strconv.Itoa(r.Children[relayName].PID))
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

// parseV1 reads what encodeV1 wrote, in this version or another: after an upgrade in
// place the release must not be lost because of a field. One that is not known is passed
// over, one that is not understood is left as it is and named in Lost. Only without the
// release's pid and phase there is nothing to go on with, and that is the error.
func parseV1(text string) (r Handover, err error) {
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
	r.State.Phase = phaseOf(r.State.Phase, r.State.PID)
	return r, nil
}

func (r *Handover) set(name, value string) (err error) {
	switch name {
	case "boot":
		r.Boot, err = parse32(value)
	case "seq":
		r.Seq, err = parse32(value)
	case "falls":
		r.Crashes, err = parseTimes(value)
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
		r.HeartUID, err = strconv.Atoi(value)
	case "with":
		err = r.setChild(sidecarName, value)
	case "terminal":
		return r.setTerminal(value)
	case "why":
		r.Why, err = parseText(value)
	case "clock":
		r.Clock = value
	case "from":
		r.From, err = parseText(value)
	case "healer":
		r.Healer, err = parseText(value)
	case "dir":
		r.StateDir, err = parseText(value)
	case "done":
		err = r.setPhase(value)
	default:
		err = setStateV1(&r.State, name, value)
	}
	return err
}

// setStateV1 is set for what the supervisor knew.
func setStateV1(s *policy.State, name, value string) (err error) {
	switch name {
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
	case "kill":
		var n int
		if n, err = strconv.Atoi(value); err == nil && (n < int(policy.KillNone) || n > int(policy.KillStuck)) {
			err = errors.New("no such stage")
		}
		s.Kill = policy.KillStage(n)
	case "fatal":
		s.Fatal, err = parseText(value)
	case "beat":
		err = setBeat(s, value)
	case "unpetted":
		s.Unpetted = value == "1"
	case "swhy":
		s.Why, err = parseText(value)
	case "then":
		var n int
		n, err = strconv.Atoi(value)
		s.Pending = policy.PendingAction(n)
	}
	return err
}

func setBeat(s *policy.State, value string) error {
	list, err := parseTimes(value)
	if err == nil && len(list) != 3 {
		err = errors.New("want three")
	}
	if err == nil {
		s.BeatAt, s.BeatSpan, s.SnoozeUntil = list[0], list[1], list[2]
	}
	return err
}

func (r *Handover) setPhase(value string) error {
	name, at, _ := strings.Cut(value, ",")
	text, err := parseText(name)
	if err != nil {
		return err
	}
	t, err := parseTime(at)
	r.Phases = append(r.Phases, health.Phase{Name: text, At: t})
	return err
}

func (r *Handover) setTerminal(value string) error {
	t := new(console.Terminal)
	list := strings.Split(value, ",")
	if len(list) < 4 {
		return errors.New("want four")
	}
	for i, field := range [...]*int{&t.Master, &t.Slave, &t.Ring} {
		var err error
		if *field, err = strconv.Atoi(list[i]); err != nil {
			return err
		}
	}
	r.Terminal = t
	return r.setChild(relayName, list[3])
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

// setChild takes over a child that runs.
func (r *Handover) setChild(name, pid string) error {
	n, err := strconv.Atoi(pid)
	if err != nil || n <= 0 {
		return err
	}
	if r.Children == nil {
		r.Children = map[string]policy.ChildState{}
	}
	r.Children[name] = policy.ChildState{PID: n, Wanted: true, Runs: 1}
	return nil
}
