package e2e

import (
	"strings"
	"testing"
)

// Words for erlinit on the kernel command line, as a real kernel hands them to its init,
// through the initramfs too; and the exact words, for whoever plans without a kernel.
func TestErlinitWords(t *testing.T) {
	t.Parallel()
	l := up(t, 1, `splash -t quiet some.module -- -v --env FROM=args;B=1 --run-on-exit "/bin/no such" a.b`)
	n := l.Nodes()[0]
	if err := l.WaitWhole(within(t)); err != nil {
		t.Fatal(err)
	}
	for expr, want := range map[string]string{
		`{os:getenv("FROM"), os:getenv("B"), os:getenv("splash")}`:                                                 `{"args","1",false}`,
		`[binary_to_list(W) || W <- binary:split(element(2, file:read_file("/proc/1/cmdline")), <<0>>, [global])]`: `["/sbin/init","splash","-t","-v","--env","FROM=args;B=1","--run-on-exit","/bin/no such","a.b",[]]`,
	} {
		if got := rpc(t, l, n, expr); got != want {
			t.Errorf("%s: got %s, want %s", expr, got, want)
		}
	}
	if tail := strings.Join(n.Tail(200), "\n"); !strings.Contains(tail, "without effect: --print-timing") {
		t.Errorf("want what is without effect in\n%s", tail)
	}
}
