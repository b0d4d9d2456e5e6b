package release

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Heart is the program that a VM with -heart finds as its heart. ERTS starts it as
// "/bin/sh -c exec heart …" with its own directory first on the PATH (OTP's heart.erl),
// and the VM does not boot if there is none.
type Heart int

// The hearts.
const (
	NoHeart    Heart = iota
	OwnHeart         // beaminit
	OtherHeart       // ERTS's own, most likely
)

// heart says whether the VM gets -heart: where the release or the configuration wants
// it and there is one.
func (r *Release) heart(in *Inputs, c *Command, f *filter) bool {
	if f.heart == "" && !in.Heart {
		return false
	}
	kind := NoHeart
	if in.WhoseHeart != nil {
		kind = in.WhoseHeart(r.ERTSDir + "/bin")
	}
	c.Heart = kind == OwnHeart
	if kind == OwnHeart {
		return true
	}
	text := "ERTS starts heart by /bin/sh, and there is none; want /bin/sh as a link to the init in the image"
	if kind == OtherHeart {
		text = "ERTS finds a heart that tells beaminit nothing; want /bin/sh as a link to the init, or /sbin/heart and none in " + r.ERTSDir + "/bin"
	}
	switch {
	case in.Heart:
		c.Problems = append(c.Problems, errors.New("watchdog.criterion: \"heart\" cannot be: "+text+"; using \"probe\""))
	case kind == NoHeart:
		c.Notes = append(c.Notes, f.heart+": -heart is left out: "+text)
	default:
		c.Notes = append(c.Notes, f.heart+": -heart: "+text)
	}
	return kind == OtherHeart && f.heart != ""
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
