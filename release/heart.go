package release

import (
	"bytes"
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
	BoardHeart       // one that opens the watchdog and resets the board itself: nerves_heart
)

// HeartOf says which heart a program is that is not beaminit's.
func HeartOf(fsys FS, path string) Heart {
	text, _ := fsys.Read(path, maxHeart)
	if bytes.Contains(text, []byte("/dev/watchdog")) {
		return BoardHeart
	}
	return OtherHeart
}

// maxHeart bounds what is read of such a program, in bytes.
const maxHeart = 4 << 20

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
	switch kind {
	case BoardHeart:
		text = r.ERTSDir + "/bin/heart resets the board when the VM ends, in the middle of its next start; want /bin/sh as a link to the init, which is a heart with the same commands, or none in " + r.ERTSDir + "/bin and /sbin/heart as a link"
	case OtherHeart:
		text = "ERTS finds a heart that tells beaminit nothing; want /bin/sh as a link to the init, or /sbin/heart and none in " + r.ERTSDir + "/bin"
	}
	switch {
	case in.Heart:
		c.Problems = append(c.Problems, errors.New("watchdog.criterion: \"heart\" cannot be: "+text+"; using \"probe\""))
	case kind == NoHeart, kind == BoardHeart:
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
