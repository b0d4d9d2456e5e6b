package config

// ErlinitPath is erlinit's own configuration, a source below beaminit.toml: a board that
// came from erlinit (https://github.com/nerves-project/erlinit) boots as it is.
const ErlinitPath = "/etc/erlinit.config"

// erlinitOption is one option of erlinit 1.15.1. What it sets is a key of ours; of one
// that sets nothing, why says what a node does in its place.
type erlinitOption struct {
	long  string
	short byte // 0: there is none
	arg   bool
	key   string
	how   erlinitHow
	why   string // short: all of them are listed in one line on the console
}

// erlinitHow is what is done with the value of an option.
type erlinitHow byte

const (
	hNothing erlinitHow = iota // without effect: see why
	hWord                      // the value as it is
	hFixed                     // the value is in why
	hBoot                      // a boot script, with or without .boot
	hProgram                   // a program with its arguments, at blanks
	hOnce                      // the same, added to what is there
	hID                        // the same, for node.id
	hEnv                       // NAME=value;NAME=value, added to what is there
	hMounts                    // source:target:type:flags:data;…, added to what is there
	hPaths                     // a list, at colons
	hNumber                    // as strtol(3) reads it
	hMillis                    // the same, milliseconds
	hLimits                    // resource:soft:hard;…, added to what is there
)

// erlinitOptions is the whole table, in the order of erlinit's documentation. Like keys
// it costs a boot nothing.
var erlinitOptions = [...]erlinitOption{
	{long: "boot", short: 'b', arg: true, key: "release.boot", how: hBoot},
	{long: "core-pattern", arg: true, key: "kernel.core_pattern", how: hWord},
	{long: "ctty", short: 'c', arg: true, key: "console.tty", how: hWord},
	{long: "uniqueid-exec", short: 'd', arg: true, key: "node.id", how: hID},
	{long: "env", short: 'e', arg: true, key: "release.env", how: hEnv},
	{long: "gid", arg: true, key: "release.group", how: hNumber},
	{long: "graceful-shutdown-timeout", arg: true, key: "supervise.stop_timeout", how: hMillis},
	{long: "hang-on-exit", short: 'h', key: "supervise.on_exit", how: hFixed, why: Halt},
	{long: "reboot-on-exit", key: "supervise.on_exit", how: hFixed, why: Reboot},
	{long: "poweroff-on-exit", key: "supervise.on_exit", how: hFixed, why: PowerOff},
	{long: "hang-on-fatal", why: "what cannot start stays reachable, in rescue"},
	{long: "reboot-on-fatal", why: "what cannot start stays reachable, in rescue"},
	{long: "poweroff-on-fatal", why: "what cannot start stays reachable, in rescue"},
	{long: "limits", short: 'l', arg: true, key: "release.limits", how: hLimits},
	{long: "mount", short: 'm', arg: true, key: "mount", how: hMounts},
	{long: "hostname-pattern", short: 'n', arg: true, key: "node.hostname", how: hWord},
	{long: "pre-run-exec", arg: true, key: "release.run_once", how: hOnce},
	{long: "release-path", short: 'r', arg: true, key: "release.path", how: hPaths},
	{long: "release-include-erts", why: "the release's own ERTS always comes first"},
	{long: "run-on-exit", arg: true, key: "release.run_on_exit", how: hProgram},
	{long: "alternate-exec", short: 's', arg: true, key: "release.wrapper", how: hProgram},
	{long: "shutdown-report", arg: true, why: "beaminit history tells how each boot ended"},
	{long: "print-timing", short: 't', why: "the health record has the phases of the boot"},
	{long: "tty-options", arg: true, key: "console.options", how: hWord},
	{long: "uid", arg: true, key: "release.user", how: hNumber},
	{long: "update-clock", why: "always done"},
	{long: "verbose", short: 'v', why: "what goes wrong is said in any case"},
	{long: "warn-unused-tty", why: "no other console gets a message"},
	{long: "working-directory", arg: true, key: "release.working_directory", how: hWord},
	{long: "x-pivot-root-on-overlayfs", key: "root.overlay", how: hFixed, why: InTmpfs},
}
