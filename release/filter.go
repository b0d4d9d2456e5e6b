package release

import "strings"

// rules are the flags that beaminit sets itself. None of them may reach the VM a
// second time: of -sname the first wins, -setcookie twice is no -setcookie at all,
// -erl_epmd_port twice is a random port, -heart twice hangs the boot (measured
// with OTP 25). So they are taken out of whatever the release and the
// configuration bring, and what they say is used as a value where it can be.
var rules = [...]struct {
	flag string
	take int    // arguments that erlexec takes whatever they look like
	why  string // what stands in its place; empty: that is said where it is chosen
}{
	{"-sname", 1, ""}, // naming.notes
	{"-name", 1, ""},
	{"-setcookie", 0, ""},     // chooseCookie
	{"-erl_epmd_port", 0, ""}, // filter.flag
	{"-start_epmd", 1, ""},
	{"-no_epmd", 0, ""},
	{"-epmd", 1, "distribution.epmd says whether there is one"},
	{"-epmd_module", 0, ""}, // filter.epmdModule
	{"-heart", 0, ""},       // heart
	{"-boot", 0, "release.boot is used"},
	{"-shutdown_time", 0, "supervise.stop_timeout is used"},
	{"-detached", 0, "PID 1 has to be the parent of the VM"},
	{"+B", 0, "+Bi is used"},
	{"+Bc", 0, "+Bi is used"},
	{"+Bd", 0, "+Bi is used"},
	{"+Bi", 0, "+Bi is used"},
}

// filter takes the flags of rules out of lists of arguments, and remembers what
// they said. The list that counts most goes first.
type filter struct {
	distSettings        // what the configuration wants
	from         string // of the list at hand: "vm.args", "release.args"
	notes        []string

	named  []flagAt // each -sname and -name
	name   string   // the part before @ of the first of them
	mode   string   // of the first -mode
	cookie flagAt   // the first -setcookie
	proto  string   // of the first -proto_dist that is kept
	lost   bool     // a -proto_dist of epmdless was left out
	hidden bool     // a second -setcookie said something else

	syncNodes bool   // -kernel sync_nodes_… stands in a list
	heart     string // the list that -heart stands in
}

// flagAt is a flag with its value, and the list that it stands in.
type flagAt struct{ from, flag, value string }

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
			for n += taken(tokens[i]); i+n < len(tokens) && !isFlag(tokens[i+n]); n++ {
			}
			n = min(n, len(tokens)-i)
		}
		kept = f.flag(kept, tokens[i], tokens[i+1:i+n])
		i += n
	}
	return kept
}

func taken(flag string) int {
	for i := range rules {
		if rules[i].flag == flag {
			return rules[i].take
		}
	}
	if flag == "-env" {
		return 2
	}
	return 0
}

// flag adds one flag with its values to kept, or not.
func (f *filter) flag(kept []string, flag string, values []string) []string {
	first := ""
	if len(values) > 0 {
		first = values[0]
	}
	switch flag {
	case "-kernel":
		return f.kernel(kept, values)
	case "-mode":
		if f.mode == "" && first != "" {
			f.mode = first // it takes the place of beaminit's own
		} else {
			f.drop(flag, values, "-mode "+f.mode+" is used")
		}
		return kept
	case "-proto_dist":
		return f.protoDist(kept, flag, values, first)
	case "-ssl_dist_optfile", "-ssl_dist_opt":
		if f.tls {
			f.drop(flag, values, usesTLS)
			return kept
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
	case "-args_file":
		// Those of vm.args are read in its place, see args.
		f.drop(flag, values, "not supported yet here; want the flags themselves")
		return kept
	case "-sname", "-name":
		if name, _, _ := strings.Cut(first, "@"); f.name == "" && strings.IndexByte(name, '$') < 0 {
			f.name = name
		}
		f.named = append(f.named, flagAt{f.from, flag, first})
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
	for i := range rules {
		if rules[i].flag == flag {
			if rules[i].why != "" {
				f.drop(flag, values, rules[i].why)
			}
			if flag[0] == '+' && !(flag == "+B" && first == "i") {
				kept = append(kept, values...) // they are no values of it
			}
			return kept
		}
	}
	return append(append(kept, flag), values...)
}

// kernel keeps -kernel without the parameters that say what -erl_epmd_port and
// -epmd_module say (OTP 27.2 and later), and what port the node listens on.
func (f *filter) kernel(kept, values []string) []string {
	start := len(kept)
	kept = append(kept, "-kernel")
	for i := 0; i < len(values); i += 2 {
		pair := values[i:min(i+2, len(values))]
		switch {
		case pair[0] == "erl_epmd_node_listen_port", f.daemon && strings.HasPrefix(pair[0], "inet_dist_listen_m"):
			if pair[len(pair)-1] != f.port {
				f.drop("-kernel", pair, usesPort)
			}
			continue
		case pair[0] == "epmd_module":
			f.epmdModule("-kernel", pair, pair[len(pair)-1])
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

func (f *filter) drop(flag string, values []string, why string) {
	b := append(append(append([]byte(nil), f.from...), ": "...), flag...)
	for _, v := range values {
		if flag[0] == '-' {
			b = append(append(b, ' '), v...)
		}
	}
	f.notes = append(f.notes, string(append(append(b, " is left out: "...), why...)))
}
