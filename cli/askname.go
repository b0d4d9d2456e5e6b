package cli

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// How many may ask the release at once, each under a name of its own: a VM keeps every name
// that it ever heard as an atom, so there is a fixed number of them, and of two that shake
// hands under one name at once it drops one.
const askers = 64

// claimName gives the part before @ of the name of a node that asks the release, which no
// other process of this machine has meanwhile. The name is held by a socket that is bound
// to it (unix(7), abstract), as long as this process lives, or what it executes.
func claimName() (string, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return "", errors.New("socket: " + err.Error())
	}
	for i := range askers {
		name := "beaminit-ask-" + strconv.Itoa(1+(unix.Getpid()+i)%askers)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + name}); err == nil {
			return name, nil
		}
	}
	// Whoever holds them all, the release itself perhaps, keeps nobody from asking. No other
	// process has this one's number.
	unix.Close(fd)
	return "beaminit-ask-p" + strconv.Itoa(unix.Getpid()), nil
}
