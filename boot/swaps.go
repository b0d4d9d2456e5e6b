package boot

import "strings"

// swaps reads the text of /proc/swaps (proc(5)): a header, then a line each, the last
// one switched on first. Without those in compressed memory.
func swaps(text string) (names []string) {
	_, rest, _ := strings.Cut(text, "\n")
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		name, _, ok := strings.Cut(line, " ")
		if tab := strings.IndexByte(name, '\t'); tab >= 0 {
			name, ok = name[:tab], true
		}
		if ok && strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "/dev/zram") {
			names = append(names, unescape(name))
		}
	}
	return names
}
