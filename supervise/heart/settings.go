package heart

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Settings is what the release says about its heart.
type Settings struct {
	PID     int           // of the VM
	Timeout time.Duration // the longest time between two beats
	Init    time.Duration // within which init_handshake has to come; 0: it need not
	Grace   time.Duration // after the start, in which beats may be missing
	Dump    time.Duration // that the VM may take for its crash dump
	Abort   bool          // end the VM by SIGABRT, without a dump of Erlang
	NoKill  bool          // only say that it is lost
}

// The limits of heart.c (HEART_BEAT_TIMEOUT) and of nerves_heart (grace and snooze).
const (
	defaultTimeout = 60 * time.Second
	maxGrace       = 10 * time.Minute
	snooze         = 15 * time.Minute
)

// Arguments reads the words after "heart" as heart.erl writes them: -pid PID and,
// where HEART_BEAT_TIMEOUT is set, -ht SECONDS.
func Arguments(args []string) (s Settings, notes []string, err error) {
	s = Settings{Timeout: defaultTimeout}
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			return s, notes, errors.New(args[i] + " wants a value")
		}
		n, bad := strconv.Atoi(args[i+1])
		switch {
		case args[i] == "-pid":
			if bad != nil || n <= 1 {
				return s, notes, errors.New("-pid " + args[i+1] + " is no process")
			}
			s.PID = n
		case args[i] != "-ht":
			return s, notes, errors.New("no option " + args[i])
		case bad != nil || n <= 10 || n > 65535: // heart(3)
			notes = append(notes, "HEART_BEAT_TIMEOUT "+args[i+1]+" is not 11 to 65535 seconds; using 60")
		default:
			s.Timeout = time.Duration(n) * time.Second
		}
	}
	if s.PID == 0 {
		return s, notes, errors.New("want -pid PID: it is started by ERTS (erl -heart), not by hand")
	}
	return s, notes, nil
}

// elsewhere are the variables that other hearts know, and what does their work here.
var elsewhere = [...][2]string{
	{"HEART_COMMAND", "PID 1 starts the release again by [supervise]"},
	{"HEART_WATCHDOG_PATH", "PID 1 has the watchdog; want watchdog.device"},
	{"HEART_KERNEL_TIMEOUT", "PID 1 has the watchdog; want watchdog.timeout"},
	{"HEART_BEAT_BOOT_DELAY", "want HEART_INIT_GRACE_TIME"},
	{"HEART_VERBOSE", "what matters is always said"},
}

// Environment takes over what the variables say; get is os.LookupEnv.
func (s *Settings) Environment(get func(string) (string, bool)) (notes []string) {
	for i := range elsewhere {
		if _, set := get(elsewhere[i][0]); set {
			notes = append(notes, elsewhere[i][0]+" has no effect: "+elsewhere[i][1])
		}
	}
	s.Dump = 5 * time.Second
	for i, room := range [...]*time.Duration{&s.Dump, &s.Grace, &s.Init} {
		name := [...]string{"ERL_CRASH_DUMP_SECONDS", "HEART_INIT_GRACE_TIME", "HEART_INIT_TIMEOUT"}[i]
		text, set := get(name)
		if !set {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 1<<20 {
			notes = append(notes, name+" "+text+" is no number of seconds; it has no effect")
			continue
		}
		*room = time.Duration(n) * time.Second
	}
	s.Grace = min(s.Grace, maxGrace)
	if s.Init > 0 {
		s.Init = max(s.Init, s.Grace)
	}
	if kill, set := get("HEART_KILL_SIGNAL"); set {
		s.Abort = kill == "SIGABRT"
		if !s.Abort && kill != "SIGKILL" {
			notes = append(notes, "HEART_KILL_SIGNAL "+kill+" has no effect; want SIGABRT, or nothing: a crash dump, then SIGKILL")
		}
	}
	no, _ := get("HEART_NO_KILL")
	s.NoKill = no == "TRUE"
	return notes
}

// ShellCall reads the only command that the binary understands as sh: the one by
// which ERTS starts its heart, "exec heart -pid PID -ht SECONDS" (erl_child_setup
// puts the exec before it). args are those after "sh".
func ShellCall(args []string) (heart []string, ok bool) {
	if len(args) != 2 || args[0] != "-c" {
		return nil, false
	}
	words := strings.Split(args[1], " ")
	for len(words) > 0 && words[len(words)-1] == "" { // without a timeout it ends in a blank
		words = words[:len(words)-1]
	}
	if len(words) > 0 && words[0] == "exec" {
		words = words[1:]
	}
	if len(words) == 0 || words[0] != "heart" || len(words)%2 == 0 || len(words) > 5 {
		return nil, false
	}
	for i := 1; i < len(words); i += 2 {
		if words[i] != "-pid" && words[i] != "-ht" || !digits(words[i+1]) {
			return nil, false
		}
	}
	return words[1:], true
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
