package release

import "strings"

// The kinds of a version's parts, in the order in which they make a version
// newer than one that has ended: 1.0.0-rc1 < 1.0.0 < 1.0.0+7 < 1.0.0.1.
const (
	preRelease = iota // after a hyphen, or letters that follow digits at once
	end
	build // after a plus
	ordinary
)

// compareVersions orders versions as their makers mean them: numbers as
// numbers (0.10.0 is newer than 0.9.0), a pre-release before its release
// (1.0.0-rc.1 before 1.0.0), as Semantic Versioning 2.0.0 (11) has it. It gives
// -1, 0 or 1 and takes any text: 0 only for equal texts.
func compareVersions(a, b string) int {
	x, y := a, b
	for x != "" || y != "" {
		var kx, ky int
		var px, py string
		kx, px, x = part(x)
		ky, py, y = part(y)
		if kx != ky {
			return sign(kx - ky)
		}
		if c := compareParts(px, py); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b) // such as 1.0 and 1.00
}

// part cuts the first part off a version: a run of digits or of other bytes,
// with the separator before it.
func part(s string) (kind int, text, rest string) {
	if s == "" {
		return end, "", ""
	}
	kind = ordinary
	switch s[0] {
	case '-', '~':
		kind, s = preRelease, s[1:]
	case '+':
		kind, s = build, s[1:]
	case '.', '_':
		s = s[1:]
	default:
		if !isDigit(s[0]) {
			kind = preRelease
		}
	}
	n := 0
	for n < len(s) && strings.IndexByte("-~+._", s[n]) < 0 && isDigit(s[n]) == isDigit(s[0]) {
		n++
	}
	return kind, s[:n], s[n:]
}

// compareParts compares numbers by value, words by alphabet, and has numbers
// before words.
func compareParts(a, b string) int {
	da, db := a != "" && isDigit(a[0]), b != "" && isDigit(b[0])
	if da != db {
		if da {
			return -1
		}
		return 1
	}
	if da {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(a) != len(b) {
			return sign(len(a) - len(b))
		}
	}
	return strings.Compare(a, b)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func sign(n int) int {
	if n < 0 {
		return -1
	}
	if n > 0 {
		return 1
	}
	return 0
}
