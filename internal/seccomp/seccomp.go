// Package seccomp holds this process to the system calls of an allow-list (seccomp(2)): a
// child that reads what a network sends keeps no more of the kernel than it has a use for,
// whoever comes to speak through it. What the list has not is refused with ENOSYS, as by a
// kernel that does not know the call: a Go runtime of another version, or a kernel on which
// it takes another way, finds its way without, where to be killed would be the end of the
// child. Built with the tag seccomplog such a call is made all the same, and is in the
// kernel's log; with seccompkill, which is for tests, it is the end of the process.
package seccomp

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// List is what a process may do.
type List struct {
	Calls    []uint32 // beside those that a Go runtime makes
	Families []uint32 // of its sockets (socket(2))
}

// ErrNone says that there is no list for this architecture.
var ErrNone = errors.New("seccomp: no list of system calls for this architecture")

// Apply holds all threads of this process, and those to come, to the list. It cannot be
// undone. It wants no_new_privs, or CAP_SYS_ADMIN.
func Apply(l List) error {
	if arch == 0 {
		return ErrNone
	}
	filter := l.filter()
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP,
		unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	if thread != 0 {
		return unix.ESRCH // a thread that has a filter of its own
	}
	return nil
}

// Available says whether this kernel can hold a process to a list (CONFIG_SECCOMP_FILTER,
// Linux 4.14), and this program has one for its architecture.
func Available() bool {
	action := uint32(unix.SECCOMP_RET_ALLOW)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return arch != 0 && errno == 0
}

// condition is what an argument of a call has to be, its lower 32 bits.
type condition struct {
	call, arg uint32
	op        uint16 // of the jump (linux/bpf_common.h)
	values    []uint32
	allows    bool   // the call is allowed where one of them holds, else refused where one does
	refusal   uint32 // what follows where it is refused
}

// conditions are those of the calls of a Go runtime that could do more than that: a new
// process is none of its threads, and no memory is to be executed.
func (l List) conditions() []condition {
	list := []condition{
		{call: unix.SYS_CLONE, op: unix.BPF_JSET, values: []uint32{unix.CLONE_THREAD}, allows: true, refusal: refuse(unix.EPERM)},
		{call: unix.SYS_MPROTECT, arg: 2, op: unix.BPF_JSET, values: []uint32{unix.PROT_EXEC}, refusal: refuse(unix.EPERM)},
		{call: unix.SYS_PRCTL, op: unix.BPF_JEQ, values: []uint32{unix.PR_SET_VMA, unix.PR_SET_NAME}, allows: true,
			refusal: refuse(unix.EINVAL)},
		{call: unix.SYS_SOCKET, op: unix.BPF_JEQ, values: l.Families, allows: true, refusal: refuse(unix.EAFNOSUPPORT)},
	}
	for _, call := range mmaps {
		list = append(list, condition{call: call, arg: 2, op: unix.BPF_JSET, values: []uint32{unix.PROT_EXEC}, refusal: refuse(unix.EPERM)})
	}
	return list
}

// Offsets in struct seccomp_data (linux/seccomp.h); all architectures here have the lower
// half of an argument first.
const offsetCall, offsetArch, offsetArgs = 0, 4, 16

const allow = unix.SECCOMP_RET_ALLOW

// filter is the list as a program of the kernel's classic BPF (linux/filter.h).
func (l List) filter() []unix.SockFilter {
	p := program{}
	p.load(offsetArch)
	p.jump(unix.BPF_JEQ, arch, 1, 0)
	p.give(refuse(unix.ENOSYS)) // calls of another architecture, by their numbers there
	p.load(offsetCall)
	for _, c := range l.conditions() {
		p.check(c)
	}
	for _, calls := range [][]uint32{runtimeCalls[:], archCalls, l.Calls} {
		for _, call := range calls {
			p.jump(unix.BPF_JEQ, call, 0, 1)
			p.give(allow)
		}
	}
	p.give(refuse(unix.ENOSYS))
	return p
}

type program []unix.SockFilter

func (p *program) load(offset uint32) {
	*p = append(*p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset})
}

func (p *program) jump(op uint16, k uint32, yes, no int) {
	*p = append(*p, unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jt: uint8(yes), Jf: uint8(no)})
}

func (p *program) give(action uint32) {
	*p = append(*p, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action})
}

// check decides a call by its argument; all others are passed on.
func (p *program) check(c condition) {
	p.jump(unix.BPF_JEQ, c.call, 0, 3+len(c.values))
	p.load(offsetArgs + 8*c.arg)
	holds, else_ := uint32(allow), c.refusal
	if !c.allows {
		holds, else_ = else_, holds
	}
	for i := range c.values {
		p.jump(c.op, c.values[i], len(c.values)-i, 0)
	}
	p.give(else_)
	p.give(holds)
}
