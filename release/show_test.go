package release

import (
	"strconv"
	"strings"
)

// Lines shows the command as the golden files have it: the program and its arguments (a flag
// a line, quoted as a shell would want them), the environment, the files. Of a
// secret file it shows that it is there.
func (c *Command) Lines() []string {
	lines := []string{"node " + c.Node}
	if c.CookieFrom != "" {
		lines = append(lines, "cookie "+c.Fingerprint()+" (fingerprint), from "+c.CookieFrom)
	}
	lines = append(lines, "cd "+c.Dir, c.Path)
	if len(c.Argv) > 1 {
		lines = indented(lines, appendArgs(nil, c.Argv[1:]))
	}
	for _, v := range c.Env {
		lines = append(lines, "env "+v)
	}
	for _, f := range c.Files {
		line := "file " + f.Path + " 0" + strconv.FormatUint(uint64(f.Mode), 8)
		if f.Secret {
			lines = append(lines, line+", not shown")
			continue
		}
		lines = indented(append(lines, line), f.Content)
	}
	return lines
}

func indented(lines []string, text []byte) []string {
	for _, l := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		lines = append(lines, "  "+l)
	}
	return lines
}
