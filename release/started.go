package release

import "github.com/beaminit/beaminit/supervise/notify"

// sayStarted is the expression by which a VM says notify.StartedWord. init evaluates it
// (erl(1), -eval) after the boot script, when init:get_status() is {_, started}, and in
// the order of the flags: so before whatever the release itself has of -eval, -run and -s,
// which may never return. It needs no cookie and no distribution. A mix release that
// applies its runtime configuration by init:restart/0 does so inside of the boot script,
// so it is evaluated in the second run only.
//
// An application that must not fail (permanent) and does so in its start/2 takes the
// application controller with it, and then the VM, while init goes on with the boot script
// as if nothing were wrong. So that is asked first: one that is about to end does not
// answer.
//
// Nothing in it can hold up or end the VM, or write a line: it is a process that nothing
// is linked to, and that catches all. Where PID 1 has no room for the word, it is said
// again for a minute.
//
// Afterwards it waits for the names of nodes, which PID 1 sends when a peer answers that is
// not connected, and connects to them (net_kernel:connect_node/1), each in a process of its
// own. The kernel gives its socket an address that is in no file system (unix(7),
// autobind); it listens only to what comes from the socket of PID 1, whose path nobody
// else can be bound to. That takes no cookie out of the VM, and is the same with TLS.
func sayStarted(path string) string {
	p := string(quoted([]byte("<<"), path, '"')) + ">>"
	return `spawn(fun() -> catch begin application:which_applications(infinity), ` +
		`P = ` + p + `, {ok, S} = gen_udp:open(0, [local, {ifaddr, {local, <<>>}}]), ` +
		`(fun Say(0) -> error; Say(N) -> case gen_udp:send(S, {local, P}, 0, "` + notify.StartedWord + `") of ` +
		`ok -> ok; _ -> receive after 500 -> Say(N - 1) end end end)(120), ` +
		`(fun Hear() -> receive {udp, S, {local, P}, _, N} -> spawn(fun() -> catch net_kernel:connect_node(list_to_atom(N)) end); ` +
		`_ -> ok end, Hear() end)() end end).`
}
