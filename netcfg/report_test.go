package netcfg

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
)

// PID 1 believes nothing that is no value of its kind.
func TestParseReport(t *testing.T) {
	plan := Make("", []config.Network{{Interface: "eth0", DHCP: true}})
	lease := func(more string) string {
		return `{"Links":[{"Name":"eth0","Device":"eth0","State":"ready","Lease":{"Address":"10.0.0.9/24","Server":"10.0.0.1","Seconds":60,"Renew":30,"Rebind":50` + more + `}}]}`
	}
	tests := []struct{ name, line, want string }{
		{"a lease", lease(`,"Hostname":"bird7","Servers":["10.0.0.2","fd00::2"],"Search":["farm.lan"],"NTP":["10.0.0.3"],"Routes":[{"To":"10.8.0.0/16","Via":"10.0.0.4"}]`), ""},
		{"no link of ours", `{"Links":[{"Name":"eth1","State":"ready"}]}`, "no link of the plan"},
		{"a name that is a path", `{"Links":[{"Name":"eth0","Device":"../x","State":"ready"}]}`, "no link of the plan"},
		{"no state", `{"Links":[{"Name":"eth0","State":"fine"}]}`, "is no state"},
		{"more links than there are", `{"Links":[{"Name":"eth0"},{"Name":"eth0"},{"Name":"eth0"}]}`, "report of 3 links"},
		{"host name with a line in it", lease(`,"Hostname":"a\nb"`), "host name"},
		{"host name of another kind", lease(`,"Hostname":"-x"`), "host name"},
		{"domain", lease(`,"Domain":"a..b"`), "host name"},
		{"search", lease(`,"Search":["a b"]`), "is no domain name"},
		{"name server", lease(`,"Servers":["0.0.0.0"]`), "is no name server"},
		{"multicast as router", lease(`,"Routers":["224.0.0.1"]`), "is no address of a host"},
		{"route of IPv6", lease(`,"Routes":[{"To":"fd00::/8","Via":""}]`), "no route to"},
		{"MTU", lease(`,"MTU":70`), "MTU 70"},
		{"times", lease(`,"Renew":70`), "do not follow each other"},
		{"address of nobody", strings.Replace(lease(""), "10.0.0.9/24", "0.0.0.0/24", 1), "no address of a host"},
		{"address of IPv6", strings.Replace(lease(""), "10.0.0.9/24", "fd00::1/64", 1), "no address of a host"},
		{"a key that nobody knows", lease(`,"Exec":"/bin/sh"`), "unknown field"},
		{"local address", `{"Links":[{"Name":"eth0","State":"ready","Local":"10.0.0.1/16"}]}`, "no link-local address"},
		{"RA", `{"Links":[{"Name":"eth0","State":"ready","RA":{"Servers":["ff02::1"]}}]}`, "is no name server"},
		{"two documents", `{"Links":[]}{"Links":[]}`, "more than one document"},
		{"no JSON", "x", "invalid character"},
		{"too long", strings.Repeat(" ", MaxReport+1), "at most"},
		{"too many lines", `{"Links":[],"Say":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]}`, "17 lines"},
	}
	for _, tt := range tests {
		r, err := plan.ParseReport([]byte(tt.line))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if err != nil && (r.Links != nil || r.Say != nil) {
			t.Errorf("%s: %+v is left of a report that is refused", tt.name, r)
		}
	}
	r, err := plan.ParseReport([]byte(`{"Links":[],"Say":["beaminit: health v=1\n\u001b[2J` + strings.Repeat("x", 300) + `"]}`))
	if err != nil || strings.ContainsAny(r.Say[0], "\n\x1b") || len(r.Say[0]) > 200 {
		t.Errorf("%v %q", err, r.Say)
	}
}

func FuzzParseReport(f *testing.F) {
	plan := Make("", []config.Network{{Interface: "eth0", DHCP: true}})
	f.Add([]byte(`{"Links":[{"Name":"eth0","Device":"eth0","State":"ready","Lease":{"Address":"10.0.0.9/24","Server":"10.0.0.1","Seconds":60,"Renew":30,"Rebind":50}}],"Say":["x"]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := plan.ParseReport(line)
		if err != nil {
			return
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.ParseReport(text); err != nil {
			t.Errorf("%v: read once and written again: %s", err, text)
		}
		if s := plan.Status(r); len(s.Links) != 2 {
			t.Errorf("%+v", s)
		}
	})
}
