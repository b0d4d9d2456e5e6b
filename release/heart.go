package release

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// Heart is the program that a VM with -heart finds as its heart. ERTS starts it as
// "/bin/sh -c exec heart …" (OTP's heart.erl), and the VM does not boot if there is none.
type Heart int

// The hearts.
const (
	NoHeart   Heart = iota
	OwnHeart        // /bin/sh is beaminit, which becomes the heart
	PathHeart       // beaminit too, by HeartDir in front of the PATH: /bin/sh is a shell of the image's
)

// HeartDir has a link to beaminit by the name of heart, and nothing else.
const HeartDir = "/run/beaminit/bin"

// heart says whether the VM gets -heart: where the release or the configuration wants
// it and there is one. A heart of the release's own is not used: that of ERTS tells
// beaminit nothing, and nerves_heart opens the watchdog and resets the board when the VM
// ends, in the middle of its next start.
func (r *Release) heart(in *Inputs, c *Command, f *filter) bool {
	if f.heart == "" && !in.Heart {
		return false
	}
	kind := NoHeart
	if in.WhoseHeart != nil {
		kind = in.WhoseHeart()
	}
	const none = "ERTS starts heart by /bin/sh, and there is none; want /bin/sh as a link to the init in the image"
	switch {
	case kind == PathHeart:
		// erlexec puts the ERTS in front of its PATH, and then does what -env says (erl(1)).
		bin := r.ERTSDir + "/bin:"
		c.Argv = append(c.Argv, "-env", "PATH", HeartDir+":"+bin+strings.TrimPrefix(valueOf(c.Env, "PATH"), bin))
		if f.heart != "" {
			c.note(f.heart + ": -heart: beaminit is the heart, by " + HeartDir + " in front of the PATH; " +
				"the one in " + r.ERTSDir + "/bin is not used")
		}
	case kind == OwnHeart:
	case in.Heart:
		c.problem(errors.New("watchdog.criterion: \"heart\" cannot be: " + none + "; using \"probe\""))
	default:
		c.note(f.heart + ": -heart is left out: " + none)
	}
	c.Heart = kind != NoHeart
	return c.Heart
}

// Same says whether two paths lead to the same file.
func (r Root) Same(a, b string) bool {
	x, okX := r.identity(a)
	y, okY := r.identity(b)
	return okX && okY && x == y
}

// identity is the device and the inode of a file.
func (r Root) identity(path string) (id [2]uint64, ok bool) {
	fd, err := r.open(path, unix.O_PATH)
	if err != nil {
		return id, false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return [2]uint64{uint64(st.Dev), uint64(st.Ino)}, err == nil
}
