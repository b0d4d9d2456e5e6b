package config

import (
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// isSlot is a way to know the slot.
func isSlot(s string) bool { return s == "rauc" || s == "root" || isVariable(s) }

// isVariable is a word of the kernel command line, or a variable of a boot loader.
func isVariable(s string) bool {
	kind, name, _ := strings.Cut(s, ":")
	return (kind == "cmdline" || kind == "uboot" || kind == "grub") && lex.IsMadeOf(name, "_-.")
}

// isTrial is a variable and the value that says that the system is on trial; without one, 1.
func isTrial(s string) bool {
	name, value, has := strings.Cut(s, "=")
	return isVariable(name) && (!has || lex.IsMadeOf(value, "_-."))
}

// Active says that [update] has something to be done.
func (u *Update) Active() bool { return u.Trial != "" || len(u.Confirm)+len(u.Reject) > 0 }

// checkUpdate says where a system could never be confirmed.
func (l *loader) checkUpdate() {
	if u := &l.c.Update; u.Active() && u.After >= u.Within {
		from := max(l.c.from("update.after", ""), l.c.from("update.within", ""))
		l.problem(from, []string{"update", "within"}, fault{
			what: "a system that has to be up for " + durationText(u.After) + " (update.after) cannot be that within " + durationText(u.Within),
			want: "more than update.after",
		})
	}
}
