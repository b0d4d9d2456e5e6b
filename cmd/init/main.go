// Command init is beaminit: PID 1 of an appliance node that runs one Erlang/OTP
// release. As PID 1 it boots the node (package node tells that story); under other
// names, or as "beaminit COMMAND", it is the tools in the table below.
package main

import (
	"os"
	"path"

	"github.com/beaminit/beaminit/boot/devices"
	"github.com/beaminit/beaminit/cli"
	"github.com/beaminit/beaminit/cluster"
	"github.com/beaminit/beaminit/cluster/discovery"
	peers "github.com/beaminit/beaminit/cluster/discovery/child"
	"github.com/beaminit/beaminit/netcfg"
	netchild "github.com/beaminit/beaminit/netcfg/child"
	"github.com/beaminit/beaminit/node"
	"github.com/beaminit/beaminit/supervise/console"
	"github.com/beaminit/beaminit/supervise/heart"
	"github.com/beaminit/beaminit/supervise/jobs"
	"github.com/beaminit/beaminit/supervise/launch"
	"golang.org/x/sys/unix"
)

// version and buildTime are set by the build (-ldflags -X main.version=…); the latter is in
// seconds since 1970, of SOURCE_DATE_EPOCH, and empty where it is not known.
var (
	version   = "dev"
	buildTime = ""
)

// tools is the table of names that the binary answers to, when it is not PID 1: its own
// (argv[0]), or, as beaminit or init, its first argument. Those without a help are not for people.
var tools = [...]struct {
	name, args, help string
	run              func(args []string) int
}{
	{"plan", "[--root DIR] [--cmdline STR] [--all] [--json]", "print what a boot would do, and where each value comes from", cli.Plan},
	{"check", "[--root DIR] [--cmdline STR]", "print only the problems; exit status 1 where there are any", cli.Check},
	{"history", "[-n N] [--root DIR] [PATH]", "print what is remembered of boots and ends", cli.PrintHistory},
	{"status", "[--key-file FILE]", "print the state of this node; exit status 0 where it is up", cli.Status},
	{"remote", "[--print]", "open a shell of the release; --print: the line that does it on another machine", cli.Remote},
	{"rpc", "[-t SEC] MODULE FUNCTION [ARGS]", "call a function of the release", cli.RPC},
	{"restart", "", "end the release in order and start it again, in rescue too", cli.Restart},
	{"stop", "", "end the release in order; the node stays, in rescue", cli.Stop},
	{"rescue", "", "kill the release at once; the node stays, in rescue", cli.Rescue},
	{"service", "[NAME [start|stop|restart]]", "list the services, or start or stop one", cli.Service},
	{"factory-reset", "[--yes]", "reboot, and make what a [[mount]] with format has anew; without --yes: print what", cli.FactoryReset},
	{"reexec", "[PATH]", "put the program PATH (default /sbin/init) in the place of PID 1; the release goes on", cli.Reexec},
	{"reboot", "[-f] [-n] [-d SEC] [ARG]", "ask PID 1 to end the release in order and restart the machine", cli.Reboot},
	{"poweroff", "[-f] [-n] [-d SEC]", "the same, and switch the machine off", cli.Poweroff},
	{"halt", "[-f] [-n] [-d SEC]", "the same, and stop the machine", cli.Halt},
	{"version", "", "print the version", printVersion},
	{"heart", "", "", heart.Main}, // ERTS starts these two
	{"sh", "", "", heart.Shell},
	{cluster.MonitorName, "", "", cluster.Main}, // these are children of PID 1, and not for people
	{netcfg.ChildName, "", "", netchild.Main},
	{discovery.ChildName, "", "", peers.Main},
	{devices.ChildName, "", "", devices.Main},
	{devices.ModulesName, "", "", devices.ModulesMain},
	{node.ReadaheadName, "", "", node.ReadaheadMain},
	{jobs.Name, "", "", node.JobMain},
	{console.RelayName, "", "", console.Main},
	{launch.HelperName, "", "", launch.Main},
}

func main() {
	if unix.Getpid() == 1 {
		node.Boot(node.Build{Version: version, Time: buildTime})
	}
	args := append([]string{path.Base(os.Args[0])}, os.Args[1:]...)
	if args[0] == "beaminit" || args[0] == "init" {
		args = args[1:]
	}
	if len(args) > 0 {
		for _, t := range tools {
			if t.name == args[0] {
				os.Exit(t.run(args))
			}
		}
	}
	os.Exit(usage(args))
}

func usage(args []string) int {
	text := "beaminit " + version + ": PID 1 for nodes that run one Erlang/OTP release\n\n"
	for _, t := range tools {
		if t.help != "" {
			line := "  beaminit " + t.name + " " + t.args
			for len(line) < 54 {
				line += " "
			}
			text += line + " " + t.help + "\n"
		}
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		os.Stdout.WriteString(text)
		return 0
	}
	os.Stderr.WriteString("beaminit: no command " + args[0] + "\n\n" + text)
	return 2
}

func printVersion([]string) int {
	os.Stdout.WriteString("beaminit " + version + "\n")
	return 0
}
