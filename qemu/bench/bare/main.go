// Command bare is the yardstick: an init that does nothing but start the release.
// What it needs is what the Go runtime and the two execs need.
package main

import "syscall"

func main() {
	syscall.ForkExec("/srv/erlang/erts-13.1.5/bin/erlexec", []string{"erlexec"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	syscall.Select(0, nil, nil, nil, nil)
}
