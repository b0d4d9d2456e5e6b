package boot

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/internal/files"
)

// MountInfo is one line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
type MountInfo struct {
	ID, Parent   int
	Major, Minor uint32
	Root         string // of the file system, what is mounted; "/" but for bind mounts
	Target       string
	Options      string // of the mount
	Tags         string // propagation: shared:N, master:N, …; empty: private
	Type         string
	Source       string
	Super        string // options of the super block
}

// ParseMountInfo reads the text of mountinfo, in its order: a mount comes after
// the one that it stands on. It stops at the first line that is none.
func ParseMountInfo(text []byte) ([]MountInfo, error) {
	var list []MountInfo
	for rest := string(text); rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if line == "" {
			continue
		}
		m, ok := parseMountLine(line)
		if !ok {
			return list, fmt.Errorf("mountinfo line %d: not understood: %q", len(list)+1, line)
		}
		list = append(list, m)
	}
	return list, nil
}

// CanHang says whether one of the mounts, but for the root, is on a disk or a network, or
// made by a program (FUSE): who opens a file there may wait for ever.
func CanHang(list []MountInfo) bool {
	for i := range list {
		if m := &list[i]; m.Target != "/" && !isVirtual(m.Type) {
			return true
		}
	}
	return false
}

// isVirtual says that a file system is the kernel's own, and in its memory.
func isVirtual(fstype string) bool {
	switch fstype {
	case "squashfs", "erofs", "iso9660": // on disks
		return false
	}
	return isVolatileFS(fstype)
}

func parseMountLine(line string) (m MountInfo, ok bool) {
	// The fields before the lone "-" vary in number: there may be several tags.
	head, tail, found := strings.Cut(line, " - ")
	first := strings.Split(head, " ")
	last := strings.Split(tail, " ")
	if !found || len(first) < 6 || len(last) < 3 {
		return m, false
	}
	major, minor, _ := strings.Cut(first[2], ":")
	var err [4]error
	var n [2]uint64
	m.ID, err[0] = strconv.Atoi(first[0])
	m.Parent, err[1] = strconv.Atoi(first[1])
	n[0], err[2] = strconv.ParseUint(major, 10, 32)
	n[1], err[3] = strconv.ParseUint(minor, 10, 32)
	for _, e := range err {
		if e != nil {
			return m, false
		}
	}
	m.Major, m.Minor = uint32(n[0]), uint32(n[1])
	m.Root, m.Target, m.Options = Unescape(first[3]), Unescape(first[4]), first[5]
	m.Tags = strings.Join(first[6:], " ")
	m.Type, m.Source, m.Super = Unescape(last[0]), Unescape(last[1]), strings.Join(last[2:], " ")
	return m, true
}

// Unescape undoes the \040 (blank), \011, \012 and \134 of the kernel's seq_path;
// any three octal digits are taken, anything else stays as it stands.
func Unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	text := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				text = append(text, byte(n))
				i += 3
				continue
			}
		}
		text = append(text, s[i])
	}
	return string(text)
}

// Mounts are those of this process now (proc(5), mountinfo). What could be understood is given
// beside an error too.
func Mounts() ([]MountInfo, []error) {
	text, err := files.ReadLimit("/proc/self/mountinfo", maxTable)
	if err != nil {
		return nil, []error{err}
	}
	list, err := ParseMountInfo(text)
	if err != nil { // what was understood is unmounted nevertheless
		return list, []error{err}
	}
	return list, nil
}
