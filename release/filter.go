package release

import (
	"slices"
	"strconv"
	"strings"
)

// rules are the flags that beaminit sets itself. None of them may reach the VM a
// second time: of -sname the first wins, -setcookie twice is no -setcookie at all,
// -erl_epmd_port twice is a random port, -heart twice hangs the boot (measured
// with OTP 25). So they are taken out of whatever the release and the
// configuration bring, and what they say is used as a value where it can be.
var rules = [...]struct {
	flag string
	why  string // what stands in its place; empty: that is said where it is chosen
}{
	{"-sname", ""}, // naming.notes
	{"-name", ""},
	{"-setcookie", ""},     // chooseCookie
	{"-erl_epmd_port", ""}, // filter.flag
	{"-start_epmd", ""},
	{"-no_epmd", ""},
	{"-epmd", "distribution.epmd says whether there is one"},
	{"-epmd_module", ""}, // filter.epmdModule
	{"-heart", ""},       // heart
	{"-boot", "release.boot is used"},
	{"-shutdown_time", "supervise.stop_timeout is used"},
	{"-detached", "PID 1 has to be the parent of the VM"},
	{"+B", ""}, // without a tty nobody types Ctrl-C, and on one it ends an evaluation
	{"+Bc", ""},
	{"+Bd", ""},
	{"+Bi", ""},
}

// filter takes the flags of rules out of lists of arguments, and remembers what
// they said. The list that counts most goes first.
type filter struct {
	distSettings        // what the configuration wants
	from         string // of the list at hand: "vm.args", "release.args"
	notes        []string
	none         bool // the node has no name when it starts: its distribution is the release's own
	portGiven    bool // the configuration says the port

	named  []flagAt // each -sname and -name, and the like of a start script
	name   string   // the part before @ of the first of them
	mode   string   // of the first -mode
	cookie flagAt   // the first -setcookie
	proto  string   // of the first -proto_dist that is kept
	lost   bool     // a -proto_dist of epmdless was left out
	hidden bool     // a second -setcookie said something else

	syncNodes bool   // -kernel sync_nodes_… stands in a list
	inetrc    string // the list that -kernel inetrc stands in
	listens   string // of -kernel inet_dist_use_interface, as it stands there
	silent    string // the flag that keeps the node from listening, with its list
	heart     string // the list that -heart stands in

	tty         bool // the release has one
	user        bool // a list names a user process (-user)
	interactive bool // code is loaded so where nobody says otherwise

	env     []flagAt            // each -env, with the variable as flag
	brought map[string][]string // by variable, the flags that it is left with
}

// flagAt is a flag with its value, and the list that it stands in.
type flagAt struct{ from, flag, value string }

func (g *flagAt) String() string { return g.from + ": " + g.flag + " " + shown(g.value) }

// run gives the arguments that are left of a list, in their order. What follows
// -extra is not for the VM and stays as it is.
func (f *filter) run(from string, tokens []string) []string {
	f.from = from
	kept := make([]string, 0, len(tokens))
	for i := 0; i < len(tokens); {
		if tokens[i] == "-extra" {
			return append(kept, tokens[i:]...)
		}
		n := 1
		if isFlag(tokens[i]) {
			for n += f.taken(tokens[i:]); i+n < len(tokens) && !isFlag(tokens[i+n]); n++ {
			}
			n = min(n, len(tokens)-i)
		}
		kept = f.flag(kept, tokens[i], tokens[i+1:i+n])
		i += n
	}
	return kept
}

// list is run, and without what cannot be with or without a tty.
func (f *filter) list(from string, tokens []string) []string {
	kept := f.run(from, tokens)
	if f.tty {
		return f.withoutNoShell(from, kept)
	}
	return f.withoutShell(from, kept)
}

// taken is how many of the arguments behind the first one erlexec takes with it,
// whatever they look like. A flag in the place of a name is none that anybody meant: it
// stands there because a variable in front of it was not set.
func (f *filter) taken(tokens []string) int {
	flag := tokens[0]
	switch flag {
	case "-env":
		return 2
	case "-name", "-sname", "-start_epmd", "-epmd":
		if len(tokens) > 1 && !isFlag(tokens[1]) {
			return 1
		}
		f.note(f.from + ": " + flag + " has no value; want one behind it; left out")
	}
	return 0
}

// flag adds one flag with its values to kept, or not.
func (f *filter) flag(kept []string, flag string, values []string) []string {
	first := ""
	if len(values) > 0 {
		first = values[0]
	}
	if f.none && ofDistribution(flag) {
		return append(append(kept, flag), values...)
	}
	switch flag {
	case "-kernel":
		return f.kernel(kept, values)
	case "-mode":
		switch {
		case f.mode == "" && first != "":
			f.mode = first // it takes the place of beaminit's own
		case f.mode != first:
			f.drop(flag, values, "-mode "+f.mode+" is used")
		}
		return kept
	case "-env":
		if len(values) >= 2 {
			f.env = append(f.env, flagAt{f.from, values[0], values[1]})
			return append(kept, values[2:]...)
		}
	case "-erl_epmd_port":
		if f.portOfModule() {
			return append(append(kept, flag), values...)
		}
	case "-proto_dist":
		return f.protoDist(kept, flag, values, first)
	case "-ssl_dist_optfile", "-ssl_dist_opt":
		if f.tls {
			f.drop(flag, values, usesTLS)
			return kept
		}
	case "-args_file":
		// Those of vm.args are read in its place, see args.
		f.drop(flag, values, "not supported yet here; want the flags themselves")
		return kept
	}
	f.heed(flag, values, first)
	for i := range rules {
		if rules[i].flag == flag {
			if rules[i].why != "" {
				f.drop(flag, values, rules[i].why)
			}
			if flag == "+B" && slices.Contains([]string{"i", "c", "d"}, first) {
				values = values[1:]
			}
			if flag[0] == '+' {
				kept = append(kept, values...) // they are no values of it
			}
			return kept
		}
	}
	return append(append(kept, flag), values...)
}

// heed takes what a flag says as a value where the configuration is silent.
func (f *filter) heed(flag string, values []string, first string) {
	switch flag {
	case "-dist_listen":
		if first == "false" && f.silent == "" {
			f.silent = f.from + ": -dist_listen false"
		}
	case "-start_epmd":
		if first != "false" {
			f.drop(flag, values, f.start())
		}
	case "-erl_epmd_port":
		if first != f.port || len(values) != 1 {
			f.drop(flag, values, usesPort)
		}
	case "-epmd_module":
		f.epmdModule(flag, values, first)
	case "-sname", "-name":
		if first != "" {
			f.names(flagAt{f.from, flag, first})
		}
	case "-heart":
		f.heart = f.from
	case "-setcookie":
		switch {
		case len(values) == 1 && f.cookie.value == "":
			f.cookie = flagAt{f.from, flag, first}
		case len(values) != 1 || first != f.cookie.value:
			f.hidden = true
		}
	}
}

// kernel keeps -kernel without the parameters that say what -erl_epmd_port and
// -epmd_module say (OTP 27.2 and later), and what port the node listens on.
func (f *filter) kernel(kept, values []string) []string {
	start := len(kept)
	kept = append(kept, "-kernel")
	for i := 0; i < len(values); i += 2 {
		pair := values[i:min(i+2, len(values))]
		value := pair[len(pair)-1]
		switch {
		case pair[0] == "inetrc":
			f.inetrc = f.from
		case pair[0] == "inet_dist_use_interface":
			f.listens = value
		case pair[0] == "start_distribution" && value == "false":
			f.silent = f.from + ": -kernel start_distribution false"
		case f.none: // the rest is for the distribution that the release starts itself
		case f.portOfModule():
		case pair[0] == "erl_epmd_node_listen_port", strings.HasPrefix(pair[0], "inet_dist_listen_m") && f.module == "":
			if value != f.port && pair[0] != "inet_dist_listen_max" { // its min is told of
				f.drop("-kernel", pair, usesPort)
			}
			continue
		case pair[0] == "epmd_module":
			f.epmdModule("-kernel", pair, value)
			continue
		case strings.HasPrefix(pair[0], "sync_nodes_"):
			f.syncNodes = true
		}
		kept = append(kept, pair...)
	}
	if len(kept) == start+1 && len(values) > 0 {
		return kept[:start]
	}
	return kept
}

// names notes a name of the node that a list brings.
func (f *filter) names(g flagAt) {
	// What has no letter is left of variables that nobody has set.
	if name, _, _ := strings.Cut(g.value, "@"); f.name == "" && strings.IndexByte(name, '$') < 0 && strings.Trim(name, "-_.") != "" {
		f.name = name
	}
	f.named = append(f.named, g)
}

// ofDistribution says whether a flag is about how nodes find each other and talk.
func ofDistribution(flag string) bool {
	switch flag {
	case "-start_epmd", "-no_epmd", "-epmd_module", "-erl_epmd_port", "-proto_dist", "-ssl_dist_optfile", "-ssl_dist_opt", "-dist_listen":
		return true
	}
	return false
}

// drop notes that a flag is left out.
func (f *filter) drop(flag string, values []string, why string) {
	text := f.from + ": " + flag
	for _, v := range values {
		if flag[0] == '-' {
			text += " " + shown(v)
		}
	}
	f.note(text + " is left out: " + why)
}

func (f *filter) note(text string) { f.notes = append(f.notes, text) }

// shown is a text for people to read in one line: as it is, or quoted where a line cannot
// have it.
func shown(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
