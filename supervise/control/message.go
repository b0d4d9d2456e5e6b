// Package control is the way to ask PID 1 for something: a unix datagram socket that
// only root can write to, one small message of text there, one back. PID 1 keeps
// nothing about who asks: a client that connects and says nothing does not exist for it.
// What a command does is not known here.
package control

import (
	"errors"
	"strconv"
	"strings"
)

// MaxMessage is the length that no request exceeds, and MaxAnswer the length of an answer, in
// bytes: the list of some 300 services.
const (
	MaxMessage = 1400
	MaxAnswer  = 32 << 10
)

// The commands that PID 1 understands. It says so of one that it does not: the client
// may be of a later version than it is.
const (
	Status  = "status"  // the text of the answer is a health record of this moment
	Restart = "restart" // the record of what comes of it; so for Stop and Rescue
	Stop    = "stop"
	Rescue  = "rescue"
	Service = "service" // the argument is nothing, the name of a service, or that and start, stop or restart
	Reexec  = "reexec"  // the argument is the path of the program
)

// A Request is one command.
type Request struct {
	ID       uint32 // that of the answer too
	Command  string // one word
	Argument string
}

// A Verdict is what became of a command.
type Verdict string

// The verdicts.
const (
	OK   Verdict = "ok"
	No   Verdict = "no"   // the text says why
	Busy Verdict = "busy" // too many at once: ask again
)

// An Answer is what PID 1 says to a request.
type Answer struct {
	ID          uint32
	Verdict     Verdict
	Incarnation uint64 // when this run of PID 1's program began, in ms since the boot: another after each exec
	Version     string // of PID 1's program
	Text        string
}

// The first word of every message.
const protocol = "beaminit/1"

var errNotOurs = errors.New("not a message of beaminit's control socket")

// Encode gives the bytes of r: beaminit/1 ID COMMAND ARGUMENT.
func (r Request) Encode() []byte {
	return cut(protocol+" "+strconv.FormatUint(uint64(r.ID), 16)+" "+r.Command+" "+r.Argument, MaxMessage)
}

// parseRequest reads what Encode wrote.
func parseRequest(b []byte) (r Request, err error) {
	id, rest, err := head(b, MaxMessage)
	if err != nil {
		return r, err
	}
	r.ID = id
	r.Command, r.Argument, _ = strings.Cut(rest, " ")
	if r.Command == "" || strings.ContainsAny(r.Argument, "\x00\n") {
		return r, errNotOurs
	}
	return r, nil
}

// Encode gives the bytes of a: beaminit/1 ID VERDICT LIFE VERSION TEXT.
func (a Answer) Encode() []byte {
	return cut(protocol+" "+strconv.FormatUint(uint64(a.ID), 16)+" "+string(a.Verdict)+" "+
		strconv.FormatUint(a.Incarnation, 10)+" "+strings.ReplaceAll(a.Version, " ", "_")+" "+a.Text, MaxAnswer)
}

// parseAnswer reads what Encode wrote.
func parseAnswer(b []byte) (a Answer, err error) {
	id, rest, err := head(b, MaxAnswer)
	if err != nil {
		return a, err
	}
	a.ID = id
	verdict, rest, _ := strings.Cut(rest, " ")
	incarnation, rest, _ := strings.Cut(rest, " ")
	a.Verdict = Verdict(verdict)
	if a.Verdict != OK && a.Verdict != No && a.Verdict != Busy {
		return a, errNotOurs
	}
	if a.Incarnation, err = strconv.ParseUint(incarnation, 10, 64); err != nil {
		return a, errNotOurs
	}
	a.Version, a.Text, _ = strings.Cut(rest, " ")
	return a, nil
}

// head reads what every message begins with.
func head(b []byte, limit int) (id uint32, rest string, err error) {
	text, ours := strings.CutPrefix(string(b), protocol+" ")
	number, rest, _ := strings.Cut(text, " ")
	n, err := strconv.ParseUint(number, 16, 32)
	if !ours || err != nil || len(b) > limit {
		return 0, "", errNotOurs
	}
	return uint32(n), rest, nil
}

func cut(text string, limit int) []byte { return []byte(text[:min(len(text), limit)]) }
