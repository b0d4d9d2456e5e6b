package config

import (
	"path"
	"slices"
	"strconv"
)

// entryAt is where an entry of a list stands: the line of a file, or of the TOML which
// of the tables it is, from 0.
type entryAt struct {
	from Source
	n    int
}

// whereMount is where the ith mount came from.
func (c *Config) whereMount(i int) string {
	at := c.mountAt[i]
	line := at.n
	if at.from == TOML {
		line = lineOf(c.text, []string{"mount"}, at.n)
	}
	if line == 0 {
		return at.from.String()
	}
	return at.from.String() + ":" + strconv.Itoa(line)
}

// checkMount says what is wrong with a mount as a whole.
func checkMount(m *Mount, _ []Mount) (f fault) {
	bind := slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
	switch {
	case m.Source == "":
		f.key, f.what = "source", "no source"
	case m.Type == "" && !bind:
		f.key, f.what = "type", "no type"
	case !isAbs(m.Target) || path.Clean(m.Target) != m.Target || m.Target == "/":
		f.key, f.what = "target", quote(m.Target)+" is no place to mount on"
	default:
		return f
	}
	f.want = find("mount", f.key, false).want
	return f
}
