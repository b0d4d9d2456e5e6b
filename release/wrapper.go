package release

import "strings"

// wrap puts a program in front of the release's own (release.wrapper): strace, nbtty. It
// gets the path of erlexec and its arguments behind its own. One without a path is
// looked for in the ERTS, where run_erl is. run_erl hands one string to a shell: so from
// a word "exec" on, everything is one word.
func (c *Command) wrap(words []string, bin string) {
	if len(words) == 0 {
		return
	}
	program := words[0]
	if !strings.HasPrefix(program, "/") {
		program = bin + "/" + program
	}
	inner := append([]string{c.Path}, c.Argv[1:]...)
	argv := []string{program}
	for i, w := range words[1:] {
		if w == "exec" {
			line := "exec"
			for _, arg := range append(words[2+i:len(words):len(words)], inner...) {
				line += " " + shellWord(arg)
			}
			inner = []string{line}
			break
		}
		argv = append(argv, w)
	}
	c.Path, c.Argv = program, append(argv, inner...)
}

// shellWord protects an argument from sh(1).
func shellWord(s string) string {
	for i := 0; i < len(s); i++ {
		if !isWord(s[i]) && strings.IndexByte("-+./:,=%", s[i]) < 0 {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	if s == "" {
		return "''"
	}
	return s
}
