package release

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// maxArgFiles bounds how many files -args_file may bring in: one may name itself.
const maxArgFiles = 32

// readArgs reads an -args_file, and in place of each -args_file in it the file
// that it names, as erlexec does (get_file_args); so nothing gets past the filter
// that way. extra is what follows -extra, which goes to the end of all arguments.
// A relative name is relative to the release, where the VM is started.
// vars are for the first file, where that is a template.
func (r *Release) readArgs(fsys FS, path string, vars []string) (args, extra []string) {
	if r.argFiles++; r.argFiles >= maxArgFiles {
		if r.argFiles == maxArgFiles {
			r.problem(errors.New(r.VMArgs + ": too many -args_file in it (does a file name itself?); starting without " + path))
		}
		return nil, nil
	}
	text, err := fsys.Read(path, maxFile)
	if err != nil {
		r.problem(fmt.Errorf("read %s: %w; starting without", path, err))
		return nil, nil
	}
	if isTemplate(path, vars) {
		var unset []string
		if text, unset = fill(text, vars); unset != nil {
			r.problem(errors.New(notSet(path, unset)))
		}
	}
	tokens := tokenise(text, true)
	if !isTemplate(path, vars) {
		r.unfilled(path, tokens)
	}
	for i := 0; i < len(tokens); i++ {
		switch tokens[i] {
		case "-args_file":
			if i++; i == len(tokens) {
				r.problem(errors.New(path + ": -args_file at its end; want the name of a file after it; starting without"))
				break
			}
			name := tokens[i]
			if !strings.HasPrefix(name, "/") {
				name = r.Root + "/" + name
			}
			a, e := r.readArgs(fsys, name, nil)
			args, extra = append(args, a...), append(extra, e...)
			if len(e) == 0 && len(a) > 0 {
				args = append(args, "--") // the end of a file ends the values of its last flag
			}
		case "-extra":
			return args, append(extra, tokens[i+1:]...)
		default:
			args = append(args, tokens[i])
		}
	}
	return args, extra
}

// unfilled tells of variables in a file that is no template: the VM would find them as they stand
// there.
func (r *Release) unfilled(path string, tokens []string) {
	var found []string
	for _, t := range tokens {
		if strings.Contains(t, "${") {
			found = append(found, t)
		}
	}
	want := "the values themselves"
	if r.relx {
		want = `it as vm.args.src, or RELX_REPLACE_OS_VARS = "true" in release.env`
	}
	if found != nil {
		r.problem(errors.New(path + ": nobody fills in " + strings.Join(found[:min(len(found), 8)], ", ") + "; want " + want))
	}
}

// sysConfig is what beaminit has to know of a release's sys.config. It is read as
// text, not as Erlang terms, and a file that it includes is not read: so a
// parameter counts as set where its name stands in a line that is no comment.
type sysConfig struct {
	syncNodes   bool   // any of kernel's sync_nodes_…
	distributed bool   // kernel's distributed: applications that one node of several runs
	distOptions bool   // kernel's inet_dist_connect_options or inet_dist_listen_options
	inetrc      bool   // kernel's inetrc
	tls         bool   // epmdless is to use TLS
	silent      bool   // kernel's start_distribution is false
	port        string // kernel's inet_dist_listen_min
	listens     string // kernel's inet_dist_use_interface, as it stands there; empty: it is not set

	copied   []byte // its text, where the release wants to write into it at every start
	template []byte // its text, where there are variables to fill in
}

func (r *Release) readSysConfig(fsys FS, env []string) {
	if r.SysConfig == "" {
		return
	}
	text, err := fsys.Read(r.SysConfig, maxFile)
	if err != nil {
		r.problem(fmt.Errorf("read %s: %w", r.SysConfig, err))
		return
	}
	r.sys.syncNodes = mentions(text, "sync_nodes_optional") || mentions(text, "sync_nodes_mandatory")
	r.sys.distributed = isDistributed(text)
	r.sys.distOptions = mentions(text, "inet_dist_connect_options") || mentions(text, "inet_dist_listen_options")
	r.sys.inetrc = mentions(text, "inetrc")
	r.sys.tls = mentions(text, "epmdless") && anyIs(text, "transport", "tls")
	r.sys.silent = parameter(text, "start_distribution") == "false"
	r.sys.port = parameter(text, "inet_dist_listen_min")
	r.sys.listens = parameter(text, "inet_dist_use_interface")
	if isTemplate(r.SysConfig, env) {
		r.sys.template = text
	}
	// mix release writes this comment near the top, for reboot_system_after_config:
	// Elixir's Config.Provider then puts what runtime.exs says into this file. The
	// release's own script makes a copy for it too.
	if r.Mix && bytes.Contains(text[:min(len(text), 512)], []byte("RUNTIME_CONFIG=true")) {
		r.sys.copied = text
	}
}

// mentions says whether a word stands in an Erlang text, outside of lines that are
// comments.
func mentions(text []byte, word string) bool { return behind(text, word) != nil }

// parameter is the value of a parameter in the text of a sys.config, {NAME, VALUE},
// without blanks; empty: it is not there.
func parameter(text []byte, name string) string {
	rest, comma := bytes.CutPrefix(bytes.TrimLeft(behind(text, name), " \t\r\n"), []byte{','})
	if !comma {
		return ""
	}
	depth := 0
	for i, c := range rest {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return string(bytes.Join(bytes.Fields(rest[:i]), nil))
			}
		}
	}
	return ""
}

// anyIs says whether any parameter of this name has this value.
func anyIs(text []byte, name, value string) bool {
	for ; text != nil; text = behind(text, name) {
		if parameter(text, name) == value {
			return true
		}
	}
	return false
}

// behind is what stands behind the first place of a word in an Erlang text that is no
// comment; nil: there is none.
func behind(text []byte, word string) []byte {
	for start := 0; ; {
		at := bytes.Index(text[start:], []byte(word))
		if at < 0 {
			return nil
		}
		at += start
		start = at + len(word)
		if at > 0 && isWord(text[at-1]) || start < len(text) && isWord(text[start]) {
			continue
		}
		line := bytes.TrimLeft(text[bytes.LastIndexByte(text[:at], '\n')+1:at], " \t")
		if len(line) == 0 || line[0] != '%' {
			return text[start:]
		}
	}
}

// isDistributed says whether kernel's distributed is set (kernel(6)): the word, and a list
// behind it, for it may be an atom of anybody else's too.
func isDistributed(text []byte) bool {
	for {
		_, rest, found := bytes.Cut(text, []byte("{distributed"))
		if !found {
			return false
		}
		text = rest
		rest, comma := bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte{','})
		if comma && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte{'['}) {
			return true
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
