package netcfg

import (
	"errors"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/config"
	"github.com/beaminit/beaminit/internal/nstest"
)

func TestApplyRefused(t *testing.T) {
	tests := []struct {
		name string
		net  config.Network
		want string // how the error of eth0 starts: the end may be the kernel's own words
		as   unix.Errno
		has  string // what eth0 has all the same
	}{
		{"gateway of the other family", config.Network{Address: prefixes("fd00::6/64"), Gateway: addrs("192.168.7.1")},
			"gateway 192.168.7.1 on eth0: network is unreachable: eth0 has no IPv4 address", unix.ENETUNREACH, "fd00::6/64"},
		{"multicast as address", config.Network{Address: prefixes("ff02::1/64", "192.168.7.6/24")},
			"address ff02::1/64 on eth0: cannot assign requested address", unix.EADDRNOTAVAIL, "192.168.7.6/24"},
		{"MTU", config.Network{MTU: 70000, Address: prefixes("192.168.7.6/24")},
			"MTU 70000 on eth0: invalid argument: ", unix.EINVAL, "192.168.7.6/24"},
		{"no address at all", config.Network{Address: []netip.Prefix{{}, netip.MustParsePrefix("192.168.7.6/24")}},
			"address invalid Prefix on eth0: ", unix.EINVAL, "192.168.7.6/24"},
	}
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				veth(t)
				defer ip(t, "link delete eth0")
				ip(t, "link set peer0 up")
				tt.net.Interface = "eth0"
				s := Make("", []config.Network{tt.net}).Apply()
				if len(s.Links) != 2 || len(s.Errs) != 0 || s.Links[0].State != Ready || s.Links[1].State != Failed || len(s.Links[1].Errs) != 1 {
					t.Fatalf("got %+v, want lo ready and eth0 failed with one error", s)
				}
				err := s.Links[1].Errs[0]
				if !errors.Is(err, tt.as) {
					t.Errorf("%v is not %v", err, tt.as)
				}
				if got := err.Error(); !strings.HasPrefix(got, tt.want) {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
				if got := addresses(t, "eth0"); !same(got, tt.has) {
					t.Errorf("eth0 has %q, want %q", got, tt.has)
				}
				if s.Waiting() {
					t.Error("a refusal does not mend itself, and yet Waiting")
				}
			})
		}
	})
}

func TestApplyInvalidName(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		s := Make("", []config.Network{{Interface: "a name too long for it"}}).Apply()
		if len(s.Links) != 2 || s.Links[0].State != Ready || s.Links[1].State != Failed || len(s.Links[1].Errs) != 1 {
			t.Fatalf("got %+v, want lo ready and the other failed with one error", s)
		}
		const want = `interface name "a name too long for it": want 1 to 15 bytes without '/', ':' and spaces`
		if got := s.Links[1].Errs[0].Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestApplyLongHostname(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		s := Make(strings.Repeat("x", 65), nil).Apply()
		if len(s.Errs) != 1 || !errors.Is(s.Errs[0], unix.EINVAL) || !s.Ready() {
			t.Errorf("got %+v, want one EINVAL and lo ready", s)
		}
	})
}

// Without the capability every request is refused by name, and none is lost.
func TestApplyUnprivileged(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		veth(t)
		var s Status
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and never unlock: the thread ends with it
			if _, _, e := syscall.RawSyscall(syscall.SYS_SETUID, 65534, 0, 0); e != 0 {
				t.Errorf("setuid: %v", e)
				return
			}
			s = usualPlan.Apply()
		}()
		<-done
		var got []string
		for _, err := range s.Errs {
			got = append(got, err.Error())
		}
		for _, l := range s.Links {
			if l.State != Failed {
				t.Errorf("%s is %v, want failed", l.Name, l.State)
			}
			for _, err := range l.Errs {
				got = append(got, err.Error())
				if !errors.Is(err, unix.EPERM) {
					t.Errorf("%v is not EPERM", err)
				}
			}
		}
		want := []string{
			`hostname "eclero6": operation not permitted`,
			"up on lo: operation not permitted",
			"MTU 1400 on eth0: operation not permitted",
			"up on eth0: operation not permitted",
			"address 192.168.7.6/24 on eth0: operation not permitted",
			"address fd00::6/64 on eth0: operation not permitted",
			"gateway 192.168.7.1 on eth0: operation not permitted",
			"gateway fe80::1 on eth0: operation not permitted",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
