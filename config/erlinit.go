package config

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// erlinitFile takes over what /etc/erlinit.config says.
func (l *loader) erlinitFile() {
	data, err := l.read(ErlinitPath)
	switch {
	case err == nil && len(data) > maxText:
		l.wrong(Erlinit, strconv.Itoa(len(data))+" bytes", "64 KiB at most", nothingOfIt)
	case err == nil:
		l.erlinit(Erlinit, erlinitWords(string(data)))
		l.erlinitHome(Erlinit)
	case !errors.Is(err, fs.ErrNotExist):
		l.wrong(Erlinit, "cannot be read: "+err.Error(), "", nothingOfIt)
	}
}

// erlinitArgs takes over the options among the words that the kernel left to its init.
func (l *loader) erlinitArgs(args []string) {
	if len(args) == 0 {
		return
	}
	words := make([]word, len(args))
	for i, a := range args {
		words[i].text = a
	}
	l.erlinit(ErlinitArgs, words)
	l.erlinitHome(ErlinitArgs)
}

// erlinit takes over options of erlinit as getopt_long(3) finds them: words that are no
// options may stand between them, -- ends them, an argument is the rest of the word or
// the next word whatever it looks like, and long names may be shortened. On the kernel
// command line the words between are those of others (splash).
func (l *loader) erlinit(from Source, words []word) {
	for i := range words {
		if w := &words[i]; w.open {
			l.line = w.line
			l.wrong(from, `a " without its second one`, `"..." within a line`, lex.Quote(w.text))
		}
	}
	for i := 0; i < len(words); i++ {
		l.line, l.option = words[i].line, ""
		switch s := words[i].text; {
		case s == "--":
			if from == Erlinit && i+1 < len(words) {
				l.wrongValue(from, s, " ends the options", "it away, or what stands behind it in front", "nothing of what stands behind it")
			}
			l.line = 0
			return
		case from == ErlinitArgs && strings.Trim(s, "-") == "": // the --- of Debian's installer
		case len(s) > 2 && s[:2] == "--":
			i += l.erlinitLong(from, s[2:], words[i+1:])
		case len(s) > 1 && s[0] == '-':
			i += l.erlinitShort(from, s[1:], words[i+1:])
		case from == Erlinit:
			l.wrongValue(from, s, " belongs to no option, ignored", `quotes around a value with blanks: -s "/usr/bin/strace -f"`, "")
		}
	}
	l.line, l.option = 0, ""
}

// erlinitHome gives root's release the HOME that erlinit does, where the image mounts a file
// system there: what is in it is to last, such as the history of the shell
// (-kernel shell_history enabled, as every release of Nerves has it).
func (l *loader) erlinitHome(from Source) {
	const home = "/root"
	r := &l.c.Release
	at := mountOn(l.c.Mounts, home)
	isRoot := r.User == "root" || r.User == "0"
	hasHome := slices.ContainsFunc(r.Env, func(v string) bool { return strings.HasPrefix(v, "HOME=") })
	if at < 0 || !isRoot || hasHome {
		return
	}
	l.line = l.c.mountAt[at].n
	l.erlinitAdd(find("release", "env", false), from, "HOME", home)
	l.line = 0
}

// erlinitLong takes over --name, --name=value or --name value, and gives the number of
// words that it took of next.
func (l *loader) erlinitLong(from Source, s string, next []word) (took int) {
	name, value, has := strings.Cut(s, "=")
	l.option = "--" + name
	o, why := longOption(name)
	switch {
	case o == nil:
		l.wrong(from, noOption(from, why), "", "")
		if from == ErlinitArgs || has || len(next) == 0 {
			return 0
		}
		if isValue := next[0].line == l.line && !strings.HasPrefix(next[0].text, "-"); isValue {
			return 1
		}
		return 0
	case has && !o.arg:
		l.wrongValue(from, value, " is too much", "--"+o.long+" without a value", nothingOfIt)
		return 0
	}
	l.option = "--" + o.long
	if o.arg && !has {
		if len(next) == 0 {
			l.wrong(from, "no value", "one, as the next word", nothingOfIt)
			return 0
		}
		value, took = next[0].text, 1
	}
	l.erlinitOption(from, o, value)
	return took
}

// longOption finds an option by its name or the beginning of it; where there is none,
// why says so.
func longOption(name string) (o *erlinitOption, why string) {
	for i := range erlinitOptions {
		switch long := erlinitOptions[i].long; {
		case long == name:
			return &erlinitOptions[i], ""
		case !strings.HasPrefix(long, name):
		case o != nil:
			why += ", --" + long
		default:
			o, why = &erlinitOptions[i], "--"+long
		}
	}
	switch {
	case o != nil && why == "--"+o.long:
		return o, ""
	case o != nil:
		return nil, "it can be " + why + ", so it is ignored"
	}
	var all [len(erlinitOptions)]string
	for i := range erlinitOptions {
		all[i] = erlinitOptions[i].long
	}
	why = "erlinit has no such option, ignored"
	if s := nearest(name, all[:]); s != "" {
		why += "; did you mean --" + s + "?"
	}
	return nil, why
}

// erlinitShort takes over -v, several in one word (-tv), -e value and -evalue.
func (l *loader) erlinitShort(from Source, s string, next []word) (took int) {
	for s != "" {
		c := s[0]
		s = s[1:]
		l.option = "-" + string(rune(c))
		o := shortOption(c)
		switch {
		case o == nil:
			what := "erlinit has no such option, ignored"
			if c == 'H' { // of its documentation alone
				what += "; did you mean --reboot-on-exit?"
			}
			l.wrong(from, noOption(from, what), "", "")
			continue
		case !o.arg:
			l.erlinitOption(from, o, "")
			continue
		case s != "":
			l.erlinitOption(from, o, s)
		case len(next) > 0:
			l.erlinitOption(from, o, next[0].text)
			took = 1
		default:
			l.wrong(from, "no value", "one, as the next word", nothingOfIt)
		}
		break
	}
	return took
}

func shortOption(c byte) *erlinitOption {
	for i := range erlinitOptions {
		if erlinitOptions[i].short == c && c != 0 {
			return &erlinitOptions[i]
		}
	}
	return nil
}

// noOption is for the file of erlinit what it is; on the kernel command line not everybody
// who writes an option has heard of erlinit.
func noOption(from Source, why string) string {
	if from == ErlinitArgs {
		why = strings.Replace(why, "erlinit has no such option", "there is no such option", 1)
		return why + "; want beaminit.SECTION.KEY=VALUE, or an option of erlinit"
	}
	return why
}

const nothingOfIt = "nothing of it"

// wrong is problem for the option at hand. (Inlined: 1 KB more, which is a page.)
//
//go:noinline
func (l *loader) wrong(from Source, what, want, used string) {
	l.problem(from, nil, fault{what: what, want: want, used: used})
}

func (l *loader) wrongValue(from Source, value, what, want, used string) {
	l.wrong(from, lex.Quote(value)+what, want, used)
}

// erlinitNote says once that erlinit's words are in force, and what is other than with
// erlinit.
func (l *loader) erlinitNote() {
	c := l.c
	if !c.fromErlinit {
		return
	}
	text, but := "its options are in force", "; but "
	if c.Supervise.OnExit == Restart {
		text += but + `a VM that ends is started again (erlinit's way: supervise.on_exit = "reboot")`
		but = ", and "
	}
	if c.Console.TTY == "" {
		text += but + `without --ctty the release has no shell (erlinit's way: console.tty = "console")`
	}
	for i, n := range c.idle {
		o := &erlinitOptions[n]
		if i == 0 {
			text += "; without effect: "
		} else {
			text += ", "
		}
		text += "--" + o.long + " (" + o.why + ")"
	}
	l.note("erlinit", text)
}

// FromErlinit says whether options of erlinit were taken over.
func (c *Config) FromErlinit() bool { return c.fromErlinit }

// DropIn says whether options of erlinit are all that the image has: it has none of
// /etc/beaminit.toml, and expects of a node what erlinit does.
func (c *Config) DropIn() bool { return c.fromErlinit && c.text == "" }
