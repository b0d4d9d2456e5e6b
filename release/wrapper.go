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
	if strings.IndexByte(program, '/') != 0 {
		program = bin + "/" + program
	}
	argv := append([]string{program}, words[1:]...)
	argv = append(append(argv, c.Path), c.Argv[1:]...)
	for i := 1; i < len(words); i++ {
		if words[i] != "exec" {
			continue
		}
		line := "exec"
		for _, arg := range argv[i+1:] {
			line += " " + shellWord(arg)
		}
		argv = append(argv[:i], line)
		break
	}
	c.Path, c.Argv = program, argv
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
