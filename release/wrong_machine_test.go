package release_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/machine"

	"github.com/beaminit/beaminit/health"
)

// Each of these releases cannot start. The node says why and what would be right, once,
// starts nothing, and stays in rescue; beaminit check says the same of the image.
func TestWrongReleases(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from string
		change     string // run by a shell in the release
		bind       string // left out of the machine's root
		toml       string
		want       string
	}{
		{name: "no beam.smp", from: "relx/own", change: "rm erts-*/bin/beam.smp", want: "/bin/beam.smp: no such file or directory; want the complete ERTS in the release"},
		{name: "another processor", from: "relx/own", change: `printf '\026' | dd of=$(echo erts-*/bin/beam.smp) bs=1 seek=18 conv=notrunc status=none`,
			want: "/bin/beam.smp: is for another processor (e_machine 22), the node is "},
		{name: "no interpreter", from: "relx/own", change: ":", bind: "lib64 lib usr/lib", want: "/bin/beam.smp: needs the interpreter /lib"},
		{name: "another kernel", from: "relx/own", change: "mv lib/kernel-* lib/kernel-99.0", want: "it does not match ERTS "},
		{name: "ERTS of another OTP", from: "relx/own", change: "mv erts-* erts-99.0", want: "the release has only 99.0, of another OTP: they do not match"},
		{name: "a newer OTP than the system's", from: "newer/relx/system", change: ":", want: "no ERTS in it (erts-15."},
		{name: "another kernel, newer OTP", from: "newer/relx/own", change: "mv lib/kernel-* lib/kernel-99.0", want: "it does not match ERTS 15."},
		{name: "no boot script", from: "relx/own", change: "rm releases/*/start.boot releases/*/start_clean.boot", want: "no boot script in it; want start.boot"},
		{name: "no version", from: "mix/plain", change: "rm -r releases/0.1.0", want: "/srv/erlang/releases/0.1.0: no such file or directory"},
		{name: "no releases", from: "systools", change: "rm -r releases", want: "neither it nor a directory in it has a directory releases"},
		{name: "an ERTS that is nowhere", from: "relx/system", change: "sed -i s/^[0-9.]*/99.0/ releases/start_erl.data", want: "no ERTS in it (erts-99.0), nor in /usr/lib/erlang, which has erts-"},
		{name: "TLS without ssl", from: "relx/own", change: ":", toml: "[distribution.tls]\ncert = \"/data/cert.pem\"\nkey = \"/data/key.pem\"\nca = \"/data/ca.pem\"\n",
			want: "distribution.tls: the release has no application ssl in its boot script"},
		{name: "TLS without a key", from: "relx/secure", change: ":", toml: "[distribution.tls]\ncert = \"/data/cert.pem\"\nkey = \"/data/nowhere.pem\"\nca = \"/data/ca.pem\"\n",
			want: "distribution.tls: /data/nowhere.pem: no such file or directory"},
		{name: "half of TLS", from: "relx/secure", change: ":", toml: "[distribution.tls]\ncert = \"/data/cert.pem\"\n",
			want: "distribution.tls has a problem, and plain TCP must not stand in for it"},
		{name: "TLS of epmdless", from: "relx/own+eclero", change: "sed -i s/tcp/tls/ releases/*/sys.config", want: "epmdless is to use TLS, which it does by its own module only"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir() + "/it"
			script := "cp -r " + machine.Release(t, tt.from) + " " + dir + " && cd " + dir + " && " + tt.change
			if text, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			s := machine.WithRelease(t, dir, "hostname=n1 beaminit.supervise.attempts=2 beaminit.supervise.backoff=10ms,10ms", tt.toml)
			for _, name := range strings.Fields(tt.bind) {
				delete(s.Bind, name)
			}
			for name, text := range machine.CertificateFor(t, "n1") {
				s.Files[name] = text
			}
			m := machine.Start(t, s)
			r, _ := m.State(health.Rescue, 0)
			if r.PID != 0 || r.Restarts != 0 || !strings.Contains(r.Why, strings.ReplaceAll(tt.want, `"`, "'")) && len(r.Why) < 100 {
				t.Errorf("%+v, want why=%q", r, tt.want)
			}
			m.Line(tt.want)
			if n := m.Count("cannot start the release"); n > 1 {
				t.Errorf("the reason stands there %d times\n%s", n, m.Tail())
			}

		})
	}
}
