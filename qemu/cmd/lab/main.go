// Command lab runs several beaminit nodes on this machine, in QEMU, on a virtual LAN
// of their own, and shows their health as their serial consoles tell it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/namespace"
	"github.com/beaminit/beaminit/qemu/scenario"
	"github.com/beaminit/beaminit/qemu/watch/cli"
	"github.com/beaminit/beaminit/qemu/web"
)

// The exit statuses.
const (
	ok       = cli.OK
	failed   = cli.Failed
	badUsage = cli.BadUsage
)

// command is one word that lab understands.
type command struct {
	name   string
	args   string // what may follow
	help   string
	many   bool         // and more words of the program's own may follow
	list   bool         // but flags among them are lab's
	alien  bool         // and flags among them are the program's
	none   bool         // and nothing may follow, too
	file   bool         // what follows is a lab file
	verb   *labpkg.Verb // it is one of the lab's own
	hidden bool
	run    func(env, *flag.FlagSet, []string) error
}

// env is what a command works with.
type env struct {
	out, err io.Writer
	name     string // of the command
	setup    setup
	to       string // of sniff
	junit    string // of play: file for CI servers
	svg      string // of play: file for people
	scenario *scenario.File
	slow     int       // of play: how much longer everything may take
	oneWay   bool      // of faults of links
	watch    cli.Watch // of watch
	web      web.Flag
	note     string // below the live table
	json     bool
	lines    int
	address  string // of join: its own, with prefix length
	hosts    string // of joined: the text of /etc/hosts
}

var commands = []command{
	{name: "run", args: "[FILE]", none: true, file: true, help: "boot the nodes and show them live; Ctrl-C ends all it started", run: cmdRun},
	{name: "up", args: "[FILE]", none: true, file: true, help: "boot the nodes in the background and wait until all are up", run: cmdUp},
	{name: "watch", args: "[SOURCE ...]", many: true, list: true, none: true, help: "show live the lab that runs in the background, " +
		"or nodes by their serial lines: /dev/ttyUSB0, files, unix sockets, tcp:HOST:PORT, udp:PORT (netconsole), -", run: cmdWatch},
	{name: "status", help: "show the nodes once; exit status 0 only when all are up", run: cmdStatus},
	{name: "down", help: "end the lab", run: cmdDown},
	{name: "play", args: "FILE", help: "play a scenario (qemu/scenarios) on a lab of its own, and say what came of it", run: cmdPlay},
	{name: "sniff", args: "[TSHARK WORDS]", many: true, none: true, alien: true,
		help: "show what is on the LAN, by tshark; with -to, write it to a file or to - (pcapng)", run: cmdSniff},
	{name: "console", args: "NODE", help: "follow a node's serial console and type on it; Ctrl-] leaves", run: cmdConsole},
	{name: "shell", args: "NODE", help: "sit at a node's second serial port (ttyS1), for console.tty; Ctrl-] leaves", run: cmdShell},
	{name: "log", args: "NODE", help: "show the last lines of a node's serial console", run: cmdLog},
	{name: "remsh", args: "NODE", help: "the Erlang shell of a node; Ctrl-G q leaves it, q() would end the release", run: cmdRemsh},
	{name: "join", args: "PROGRAM", many: true, help: "run a program as a host of the LAN (192.168.7.1): erl, ping, a shell", run: cmdJoin},
	{name: "joined", args: "PROGRAM", many: true, hidden: true, run: cmdJoined},
	{name: "image", args: "[FILE]", none: true, file: true, help: "build what the nodes boot, and nothing more", run: cmdImage},
	{name: "serve", args: "[FILE]", none: true, file: true, hidden: true, run: cmdServe},
}

// allCommands are commands, and what can be done to a running lab.
func allCommands() []command {
	list := slices.Clone(commands)
	for _, v := range labpkg.Verbs() {
		list = append(list, command{name: v.Name, args: v.Args, help: v.Help, verb: &v, run: cmdDo})
	}
	return list
}

// usageError is a wrong command line.
type usageError = cli.UsageError

var errNotWhole = cli.ErrNotWhole

func main() {
	namespace.Main()
	// What Debian keeps out of an ordinary user's PATH: dnsmasq, tcpdump, mkfs.ext4.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	os.Exit(lab(os.Args[1:], os.Stdout, os.Stderr))
}

func lab(args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		help(errOut)
		return badUsage
	}
	switch args[0] {
	case "-h", "-help", "--help":
		args[0] = "help"
	}
	if args[0] == "help" && len(args) == 1 {
		help(out)
		return ok
	}
	if args[0] == "help" { // of a command
		args = []string{args[1], "-h"}
	}
	for _, c := range allCommands() {
		if c.name == args[0] {
			return c.call(args, out, errOut)
		}
	}
	fmt.Fprintf(errOut, "lab: there is no command %q; lab help lists them\n", args[0])
	return badUsage
}

func (c command) call(args []string, out, errOut io.Writer) int {
	e := env{out: out, err: errOut, name: c.name}
	fs := flag.NewFlagSet("lab "+c.name, flag.ContinueOnError)
	e.flags(fs, c.name)
	words, others := args[1:], []string{}
	if c.alien {
		words, others = ownFlags(fs, args[1:])
	}
	rest, err := cli.Parse(fs, words, c.many && !c.list)
	rest = append(rest, others...)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.usage(out)
		fs.SetOutput(out)
		fs.PrintDefaults()
		return ok
	case err != nil:
		fmt.Fprintf(errOut, "lab %s: %v; lab %s -h lists the flags\n", c.name, err, c.name)
		return badUsage
	case !c.takes(rest):
		c.usage(errOut)
		return badUsage
	}
	if e.oneWay {
		rest = append(rest, labpkg.OneWay)
	}
	e.setup.words = args
	switch {
	case c.file:
		err = e.setup.readFile(fs, rest)
	case c.name == "play":
		err = e.readScenario(fs, rest[0])
	}
	if err == nil {
		err = c.run(e, fs, rest)
	}
	var usage usageError
	var status statusError
	switch {
	case errors.As(err, &status):
		return int(status)
	case err == nil:
		return ok
	case errors.Is(err, errNotWhole):
		return failed
	}
	fmt.Fprintln(errOut, "lab:", err)
	if errors.As(err, &usage) {
		return badUsage
	}
	return failed
}

// ownFlags takes lab's flags from the beginning of the words; what follows is another program's.
func ownFlags(fs *flag.FlagSet, words []string) (own, others []string) {
	i := 0
	for i < len(words) && strings.HasPrefix(words[i], "-") {
		name, _, valued := strings.Cut(strings.TrimLeft(words[i], "-"), "=")
		f := fs.Lookup(name)
		if f == nil && name != "h" && name != "help" {
			break
		}
		i++
		if f != nil && !valued { // none of theirs is a bool
			i++
		}
	}
	i = min(i, len(words))
	return words[:i], words[i:]
}

func (c command) usage(w io.Writer) {
	fmt.Fprintf(w, "usage: lab %s\n  %s\n", strings.TrimSpace(c.name+" [flags] "+c.args), c.help)
}

// takes tells whether so many words can follow the command.
func (c command) takes(rest []string) bool {
	if c.verb != nil {
		n := len(labpkg.WithoutLAN(rest))
		return n >= c.verb.Min && n <= c.verb.Max
	}
	switch len(rest) {
	case 0:
		return c.args == "" || c.none
	case 1:
		return c.args != ""
	}
	return c.many
}

func help(w io.Writer) {
	fmt.Fprint(w, `lab boots beaminit nodes, as virtual machines or namespaces, on a virtual LAN and shows their health.

usage: lab COMMAND [flags] [NODE]

`)
	for _, c := range allCommands() {
		switch {
		case c.hidden:
			continue
		case c.verb != nil && c.name == labpkg.Verbs()[0].Name:
			fmt.Fprint(w, `
To a lab that runs (A, B: names of nodes; all: every one;
behind them, on LAN: the links of one LAN alone, where there are several):

`)
		}
		fmt.Fprintf(w, "  %-30s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	fmt.Fprint(w, `
lab help COMMAND lists the flags of a command. The nodes are eclero6, eclero8, eclero10
and so on, at 192.168.7.6, .8, .10 of the virtual LAN; nothing of it is on the host's network.
To boot a release of your own: lab run -release _build/prod/rel/NAME

Exit status: 0 ok, 1 failed or not every node up, 2 wrong command line.
`)
}
