package config

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/cmdline"
)

// variablePrefix is that of the variables by which a container is told its configuration:
// BEAMINIT_CLUSTER_TIMEOUT is cluster.timeout.
const variablePrefix = "BEAMINIT_"

// environment takes over what a container was told in place of a kernel command line:
// arguments of PID 1 that are words of one, and then variables, which win. A variable's
// value is all of it, with blanks and quotes.
func (l *loader) environment(variables, args []string) {
	rest := args[:0:0]
	for _, word := range args {
		name, value, ok := strings.Cut(word, "=")
		switch {
		case ok && strings.HasPrefix(name, "beaminit."):
			l.beaminit(cmdline.Param{Name: name, Value: value, Written: value})
		case ok && !strings.HasPrefix(name, "-"):
			l.kernelParam(cmdline.Param{Name: name, Value: value, Written: value})
		default:
			rest = append(rest, word)
		}
	}
	l.erlinitArgs(rest)
	variables = slices.Clone(variables)
	slices.Sort(variables) // a table before what is added to it
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		inner, ours := strings.CutPrefix(name, variablePrefix)
		switch key := variableKey(inner); {
		case !ours:
		case inner == "HOSTNAME":
			l.kernelParam(cmdline.Param{Name: "hostname", Value: value, Written: value})
		case key == "":
			l.problem(Cmdline, []string{name}, fault{
				what: "no key is named so",
				want: variablePrefix + "SECTION_KEY, such as BEAMINIT_CLUSTER_TIMEOUT for cluster.timeout",
				used: "nothing of it",
			})
		default:
			l.beaminit(cmdline.Param{Name: "beaminit." + key, Value: value, Written: value})
		}
	}
}

// variableKey is the key that a variable names, without variablePrefix: that with _ for its
// dots and hyphens. Interfaces and peers are in lower case, and a hyphen of a peer's
// name is _ too; the names of release.env stay as they are. Empty: there is none.
func variableKey(name string) string {
	if inner, ok := strings.CutPrefix(name, "RELEASE_ENV_"); ok && inner != "" {
		return "release.env." + inner
	}
	lower := strings.ToLower(name)
	if rest, ok := strings.CutPrefix(lower, "network_"); ok {
		iface, name, _ := strings.Cut(rest, "_")
		for i := range keys {
			if inner, ok := keys[i].in("network"); ok && asVariable(inner) == name {
				return "network." + iface + "." + inner
			}
		}
		return ""
	}
	if rest, ok := strings.CutPrefix(lower, "peers_"); ok {
		return "peers." + strings.ReplaceAll(rest, "_", "-")
	}
	for i := range keys {
		if k := &keys[i]; k.table() == "" && asVariable(k.name) == lower {
			return k.name
		}
	}
	return ""
}

func asVariable(name string) string { return strings.NewReplacer(".", "_", "-", "_").Replace(name) }

// relabel says of what a container was told where that stood: it has no kernel command line.
func (l *loader) relabel() {
	for i := range l.c.origins {
		if o := &l.c.origins[i]; o.from >= IPParam {
			o.from = Environment
		}
	}
	for i := range l.c.Problems {
		l.c.Problems[i].File = strings.Replace(l.c.Problems[i].File, cmdlineName, Environment.String(), 1)
	}
}
