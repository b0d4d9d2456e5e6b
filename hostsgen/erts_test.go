package hostsgen

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

// script asks ERTS for every name on the command line and prints
// "name address names…"; a name of "@" and an address is looked up in reverse.
const script = `
Show = fun(Q, {ok, {hostent, Name, Aliases, _, _, [A|_]}}) ->
            io:format("~s ~s ~s~n", [Q, inet:ntoa(A), lists:join(" ", [Name|Aliases])]);
          (Q, E) -> io:format("~s ~p~n", [Q, E]) end,
Ask = fun([$@|A] = Q) -> Show(Q, inet:gethostbyaddr(A));
         ([$6,$:|N] = Q) -> Show(Q, inet:gethostbyname(N, inet6));
         (N) -> Show(N, inet:gethostbyname(N)) end,
lists:foreach(Ask, init:get_plain_arguments()),
Native = [P || P <- erlang:ports(), {name, N} <- [erlang:port_info(P, name)], string:find(N, "inet_gethost") =/= nomatch],
io:format("inet_gethost ~p~n", [length(Native)]),
halt().`

// ask starts a VM under hostname with these files and returns what script prints.
func ask(t *testing.T, hostname string, hosts []byte, resolv string, names ...string) string {
	t.Helper()
	return askBy(t, func(file string) []byte { return Inetrc(file, resolv) }, hostname, hosts, names...)
}

// askBy does it with another inetrc.
func askBy(t *testing.T, inetrc func(hosts string) []byte, hostname string, hosts []byte, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/hosts", hosts, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/inetrc", inetrc(dir+"/hosts"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"hostname", hostname}, {"ip", "link", "set", "lo", "up"}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", args, err, out)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), nstest.Patience)
	defer cancel()
	args := append([]string{"-noinput", "-kernel", "inetrc", `"` + dir + `/inetrc"`, "-eval", script, "-extra"}, names...)
	cmd := exec.CommandContext(ctx, "erl", args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("erl: %v\n%s", err, out)
	}
	return string(out)
}

func needErl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("erl"); err != nil {
		t.Skip("no erl here")
	}
}

func TestERTSFiles(t *testing.T) {
	needErl(t)
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		peers := []config.Peer{peer("eclero6", "192.168.7.6"), peer("eclero8", "192.168.7.8"),
			peer("eclero10", "192.168.7.10", "ten"), peer("six", "fd00::6")}
		got := ask(t, "eclero6.lan", []byte(hostsOf("eclero6.lan", netip.Addr{}, peers, nil, "")), "/nowhere",
			"eclero6", "eclero6.lan", "eclero8", "eclero8.lan", "eclero10", "TEN", "6:six.lan", "localhost", "6:ip6-localhost",
			"@192.168.7.6", "@192.168.7.10", "@fd00::6", "@127.0.0.1", "unknown")
		want := `eclero6 192.168.7.6 eclero6.lan eclero6
eclero6.lan 192.168.7.6 eclero6.lan eclero6
eclero8 192.168.7.8 eclero8.lan eclero8
eclero8.lan 192.168.7.8 eclero8.lan eclero8
eclero10 192.168.7.10 eclero10.lan eclero10 ten
TEN 192.168.7.10 eclero10.lan eclero10 ten
6:six.lan fd00::6 six.lan six
localhost 127.0.0.1 localhost
6:ip6-localhost ::1 localhost ip6-localhost ip6-loopback
@192.168.7.6 192.168.7.6 eclero6.lan eclero6
@192.168.7.10 192.168.7.10 eclero10.lan eclero10 ten
@fd00::6 fd00::6 six.lan six
@127.0.0.1 127.0.0.1 localhost
unknown {error,nxdomain}
inet_gethost 0
`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// An inetrc of the image's own that reads the hosts once and watches no file, as those of
// Nerves do: of the lines of an address ERTS keeps the last.
func TestERTSReadsHostsOnce(t *testing.T) {
	needErl(t)
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		once := func(hosts string) []byte {
			return []byte(`{file, hosts, "` + hosts + `"}. {hosts_file, ""}. {lookup, [file, dns]}.`)
		}
		image := "127.0.0.1 localhost loghost\n10.0.0.9 printer\n"
		got := askBy(t, once, "bird", []byte(hostsOf("bird", netip.Addr{}, nil, nil, image)), "localhost", "bird", "printer")
		const want = "localhost 127.0.0.1 bird localhost\nbird 127.0.0.1 bird localhost\nprinter 10.0.0.9 printer\n"
		if !strings.HasPrefix(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// With DNS, the file still comes first; and a server that is not there costs
// only the names that are in no file.
func TestERTSWithDNS(t *testing.T) {
	needErl(t)
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		resolv := t.TempDir() + "/resolv.conf"
		if err := os.WriteFile(resolv, []byte("nameserver 127.0.0.1\nsearch lan\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		// A short host name: the VM does run inet_gethost once, before it reads
		// the inetrc. So nothing is asked here about that program.
		got := ask(t, "n1", []byte(hostsOf("n1", netip.Addr{}, []config.Peer{peer("n1", "10.0.0.1"), peer("n2", "10.0.0.2")}, nil, "")), resolv,
			"n1", "n2", "@10.0.0.2")
		want := "n1 10.0.0.1 n1\nn2 10.0.0.2 n2\n@10.0.0.2 10.0.0.2 n2\ninet_gethost "
		if !strings.HasPrefix(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// live asks for the same name until it is there, and prints how long each answer took.
const live = `
Ask = fun(Self, N) ->
        {T, R} = timer:tc(fun() -> inet:gethostbyname("late") end),
        case R of
          {ok, {hostent, _, _, _, _, [A]}} -> io:format("~s~n", [inet:ntoa(A)]);
          {error, nxdomain} when N > 0 -> N =:= 300 andalso io:format("first ~p~n", [T div 1000]), timer:sleep(200), Self(Self, N - 1);
          E -> io:format("~p~n", [E])
        end end,
Ask(Ask, 300), halt().`

// A name server that becomes known while the VM runs is asked, with the search domain that
// comes with it; before that, a name that nobody knows fails at once.
func TestERTSFollowsResolv(t *testing.T) {
	needErl(t)
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		server := exec.Command("dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "--bind-interfaces", "-a", "127.0.0.1", "-x", "", "-u", "root", "-A", "/late.lan/10.0.0.77")
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		defer server.Wait()
		defer server.Process.Kill()
		dir := t.TempDir()
		hosts, inetrc := []byte(hostsOf("n1.lan", netip.Addr{}, nil, nil, "")), Inetrc(dir+"/hosts", dir+"/resolv.conf")
		for name, content := range map[string][]byte{"hosts": hosts, "inetrc": inetrc} {
			if err := Write(dir, name, content); err != nil {
				t.Fatal(err)
			}
		}
		vm := exec.Command("erl", "-noinput", "-kernel", "inetrc", `"`+dir+`/inetrc"`, "-eval", live)
		out, err := vm.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := vm.Start(); err != nil {
			t.Fatal(err)
		}
		defer vm.Process.Kill()
		lines := bufio.NewScanner(out)
		var ms int
		if !lines.Scan() {
			t.Fatal("the VM said nothing")
		}
		if n, _ := fmt.Sscanf(lines.Text(), "first %d", &ms); n != 1 || ms > 1000 {
			t.Errorf("got %q, want no answer at once", lines.Text())
		}
		text := Resolv(DNS{Servers: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Search: []string{"lan"}})
		if err := Write(dir, "resolv.conf", text); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || lines.Text() != "10.0.0.77" {
			t.Errorf("got %q, want 10.0.0.77", lines.Text())
		}
		vm.Wait()
	})
}
