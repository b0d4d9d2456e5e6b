// Package notify is what a release says about itself to PID 1, in the words of
// sd_notify(3): datagrams of text on a socket of the node, whose path is in the
// environment variable NOTIFY_SOCKET. Only the words are here; who said them, and what
// follows, is for the supervisor.
package notify

import "bytes"

// Socket is where PID 1 listens.
const Socket = "/run/beaminit/notify"

// MaxMessage is how long a message may be, in bytes: as long as systemd takes one.
const MaxMessage = 4096

// StartedWord is what a VM says as soon as its boot script is through, which means that
// all applications have been started. A name that begins with X_ is, by sd_notify(3), the
// service manager's own matter.
const StartedWord = "X_BEAMINIT=started"

// Words are what a message said that means something here.
type Words struct {
	Started bool // StartedWord
	Ready   bool // READY=1
}

// Parse reads a message: assignments, one a line. Those that have no meaning here are no
// error either: RELOADING, STOPPING, STATUS, ERRNO, MAINPID, WATCHDOG and its like,
// EXTEND_TIMEOUT_USEC, FDSTORE, BARRIER, and whatever else there will be.
func Parse(message []byte) (w Words) {
	for len(message) > 0 {
		var line []byte
		line, message, _ = bytes.Cut(message, []byte{'\n'})
		switch string(line) {
		case "READY=1":
			w.Ready = true
		case StartedWord:
			w.Started = true
		}
	}
	return w
}
