package lab

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
)

// What is wrong with one request is answered, and ends no lab.
func TestRequests(t *testing.T) {
	said := ""
	l := &Lab{opts: Options{Say: func(text string) { said = text }}, nodes: []*Node{{Spec: NodeSpec{Name: "a"}}}}
	for request, want := range map[string]string{
		`{"do":"log","node":"a"}`: "the lab cannot do that: runtime error", // its node has no console
		`{"do":"log","node":"b"}`: `there is no node "b"; there are a`,
		`{"do":"fly"}`:            "not a request: fly",
		`fly`:                     "not a request: ",
	} {
		ours, theirs := net.Pipe()
		go l.serveOne(theirs, func() { t.Error("the lab is to end") })
		if _, err := ours.Write([]byte(request + "\n")); err != nil {
			t.Fatal(err)
		}
		var a answer
		if err := json.NewDecoder(ours).Decode(&a); err != nil || !strings.HasPrefix(a.Error, want) {
			t.Errorf("%s: %q (%v), want %q", request, a.Error, err, want)
		}
		ours.Close()
	}
	if !strings.Contains(said, "control.go") {
		t.Errorf("the lab says %q, want where it went wrong", said)
	}
}
