package release

import (
	"slices"
	"strings"
)

// shell says how a release gets an interactive shell on its tty: which user process
// (kernel's user_sup) the VM starts, and with what.
type shell struct {
	flags []string // before those of the release
	extra []string // behind -extra
}

// shell is Erlang's, without any flag, or IEx where the release has it, with the flags
// of "bin/NAME start_iex", which are other ones in Elixir 1.15 and 1.17. Where the
// release's own flags name a user process (-user), it is that, as they have it.
//
// Either way it is +Bi and not +Bc: with +Bc a SIGINT shows a menu in which a key ends
// the VM. Ctrl-C is no SIGINT on the release's tty, but a key that ends what is being
// evaluated (console.Terminal).
func (r *Release) shell(own bool) shell {
	if r.iex == "" || own {
		return shell{}
	}
	s := shell{extra: []string{"--no-halt", "+iex"}}
	switch {
	case compareVersions(r.iex, "1.15") < 0:
		s.flags = []string{"-noshell", "-user", "Elixir.IEx.CLI"}
	case compareVersions(r.iex, "1.17") < 0:
		s.flags = []string{"-noshell", "-s", "elixir", "start_iex", "-user", "elixir"}
	default:
		s.flags = []string{"-noshell", "-user", "elixir"}
	}
	s.flags = append(s.flags, "-elixir", "ansi_enabled", "true")
	return s
}

// FindIEx looks whether a mix release has IEx. It is asked for only where there is a tty
// for it: a boot without does not read the directory.
func (r *Release) FindIEx(fsys FS) {
	if !r.Mix {
		return
	}
	names, _ := fsys.List(r.Root + "/lib")
	for _, n := range names {
		v, ok := strings.CutPrefix(n, "iex-")
		if ok && slices.Contains(names, "elixir-"+v) && (r.iex == "" || compareVersions(v, r.iex) > 0) {
			r.iex = v
		}
	}
}

// IEx gives the flags that make a VM of the release's an IEx, and what stands behind
// -extra; ok is false where the release has none.
func (r *Release) IEx(fsys FS) (flags, extra []string, ok bool) {
	r.FindIEx(fsys)
	s := r.shell(false)
	return s.flags, s.extra, r.iex != ""
}

// withoutNoShell takes -noshell and -noinput out of flags of the release, which would
// leave nothing on its tty; but -noshell belongs to a -user.
func (f *filter) withoutNoShell(from string, args []string) []string {
	end := beforeExtra(args)
	var kept []string
	for i, a := range args {
		if i < end && (a == "-noinput" || a == "-noshell" && !f.user) {
			f.from = from
			f.drop(a, nil, "console.tty wants a shell")
			continue
		}
		kept = append(kept, a)
	}
	return kept
}

// iexFlags start IEx in a VM that has a tty: as the user process in any Elixir, and by a
// function of its own in 1.15 and 1.16.
var iexFlags = [...][]string{
	{"-user", "elixir"}, {"-user", "Elixir.IEx.CLI"}, {"-user", "Elixir.IEx"},
	{"-run", "elixir", "start_iex"}, {"-s", "elixir", "start_iex"},
}

// withoutShell takes what starts IEx out of flags of the release, where there is no tty:
// it would read the end of its input at once, and end the VM. Another user process is
// the release's own.
func (f *filter) withoutShell(from string, args []string) []string {
	end := beforeExtra(args)
	var kept []string
next:
	for i := 0; i < len(args); i++ {
		for _, flag := range iexFlags {
			if i+len(flag) <= end && slices.Equal(args[i:i+len(flag)], flag) {
				f.from = from
				f.drop(flag[0], flag[1:], "IEx wants a tty, and there is none; want console.tty for a shell")
				i += len(flag) - 1
				continue next
			}
		}
		kept = append(kept, args[i])
	}
	return kept
}

// beforeExtra is the index of -extra, behind which there are no flags, or the end.
func beforeExtra(args []string) int {
	if at := slices.Index(args, "-extra"); at >= 0 {
		return at
	}
	return len(args)
}

// behindExtra puts words in front of those behind -extra, which is made where there is
// none.
func behindExtra(argv, words []string) []string {
	if len(words) == 0 {
		return argv
	}
	at := slices.Index(argv, "-extra")
	if at < 0 {
		return append(append(argv, "-extra"), words...)
	}
	return slices.Insert(argv, at+1, words...)
}
