// Package layerfile reads of BitBake's files what can be understood without BitBake:
// plain assignments and shell functions. Python, conditions and overrides are not
// interpreted.
package layerfile

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// File is what a recipe, class or configuration file says. Both maps may be added to.
type File struct {
	Vars  map[string]string // by name, as written: "IMAGE_FSTYPES:append", "ALTERNATIVE_LINK_NAME[init]"
	Funcs map[string]string // shell functions: name, as written ("do_install:class-native"), to body
}

var (
	assignment = regexp.MustCompile(`^(?:export )?([A-Za-z0-9_.:${}\[\]-]+) *(?:\?\?=|\?=|:=|\+=|=\+|\.=|=) *(["'])((?s).*)["']$`)
	function   = regexp.MustCompile(`(?ms)^([a-z][A-Za-z0-9_:-]*) *\(\) \{\n(.*?)^\}$`)
	reference  = regexp.MustCompile(`\$\{([A-Za-z0-9_.:/~+-]+)\}`)
)

// Read reads a file. Values of += and of repeated names are joined, with a blank;
// what a required or inherited file says is not in it.
func Read(file string) (File, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return File{}, err
	}
	f := File{map[string]string{}, map[string]string{}}
	for _, m := range function.FindAllStringSubmatch(string(text), -1) {
		if m[1] != "python" { // an anonymous one
			f.Funcs[m[1]] = m[2]
		}
	}
	plain := function.ReplaceAllString(string(text), "")
	for _, line := range strings.Split(strings.ReplaceAll(plain, "\\\n", " "), "\n") {
		if m := assignment.FindStringSubmatch(strings.TrimRight(line, " \n")); m != nil {
			f.Vars[m[1]] = strings.TrimSpace(f.Vars[m[1]] + " " + m[3])
		}
	}
	return f, nil
}

// Value is an assigned value with the values of all variables in it. A variable that
// has none is an error: what the file means is not known then.
func (f File) Value(name string) (string, error) {
	value, ok := f.Vars[name]
	if !ok {
		return "", fmt.Errorf("%s is not set", name)
	}
	value = f.expand(value, 0)
	if strings.Contains(value, "${") {
		return "", fmt.Errorf("%s is %q: want no more in it than plain variables that have a value", name, value)
	}
	return value, nil
}

// Func is the body of a shell function with the values of the variables that have one;
// the rest are the shell's own.
func (f File) Func(name string) (string, error) {
	body, ok := f.Funcs[name]
	if !ok {
		return "", fmt.Errorf("there is no function %s", name)
	}
	return f.expand(body, 0), nil
}

// Script is a script for sh -e that runs a function as BitBake does, with the other shell
// functions of the file. What bbwarn and bbfatal are told goes to its output.
func (f File) Script(name string) (string, error) {
	script := "bbwarn() { printf 'WARNING: %s\\n' \"$*\"; }\nbbfatal() { printf '%s\\n' \"$*\"; exit 1; }\n"
	for other := range f.Funcs {
		if strings.Contains(other, ":") {
			continue
		}
		body, err := f.Func(other)
		if err != nil {
			return "", err
		}
		script += other + "() {\n" + body + "}\n"
	}
	body, err := f.Func(name)
	return script + "called() {\n" + body + "}\ncalled", err
}

// expand follows at most 10 steps of variables in variables, which ends one that names itself.
func (f File) expand(s string, depth int) string {
	if depth == 10 {
		return s
	}
	return reference.ReplaceAllStringFunc(s, func(ref string) string {
		value, ok := f.Vars[ref[2:len(ref)-1]]
		if !ok {
			return ref
		}
		return f.expand(value, depth+1)
	})
}
