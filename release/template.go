package release

import (
	"bytes"
	"slices"
	"strings"
)

// fill puts values in the places of ${VAR} and ${VAR:-default} in a text, as the
// start script of relx does with vm.args.src and sys.config.src: a variable that is
// empty counts as not set, one that is not set and has no default leaves nothing
// behind. What a variable holds is not looked at again. vars are KEY=value. unset
// are the names that had nothing, each once.
func fill(text []byte, vars []string) (out []byte, unset []string) {
	out = make([]byte, 0, len(text))
	for {
		at := bytes.Index(text, []byte("${"))
		if at < 0 {
			return append(out, text...), unset
		}
		out, text = append(out, text[:at]...), text[at:]
		end := bytes.IndexByte(text, '}')
		if end < 0 || bytes.IndexByte(text[:end], '\n') >= 0 { // such a one has to be in one line
			out, text = append(out, "${"...), text[2:]
			continue
		}
		name, standIn, has := strings.Cut(string(text[2:end]), ":-")
		value := valueOf(vars, name)
		switch {
		case value == "" && has:
			value = standIn
		case value == "" && !slices.Contains(unset, name):
			unset = append(unset, name)
		}
		out, text = append(out, value...), text[end+1:]
	}
}

// valueOf is what the last of vars with this name says; empty: none does. (Inlined: 8 KB more.)
//
//go:noinline
func valueOf(vars []string, name string) string {
	for i := len(vars) - 1; i >= 0; i-- {
		if v := vars[i]; len(v) > len(name) && v[len(name)] == '=' && v[:len(name)] == name {
			return v[len(name)+1:]
		}
	}
	return ""
}

// isTemplate says whether the variables in a configuration file of the release are
// to be filled in: relx names it so, or its start script is told to by a variable.
func isTemplate(path string, vars []string) bool {
	return strings.HasSuffix(path, ".src") || valueOf(vars, "RELX_REPLACE_OS_VARS") != ""
}

// notSet says which variables a file of the release wants and nobody gives.
func notSet(path string, names []string) string {
	return path + ": ${" + strings.Join(names, "}, ${") + "} not set: nothing stands in the place; want a value in release.env"
}
