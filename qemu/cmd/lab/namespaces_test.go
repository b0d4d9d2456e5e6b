package main

import (
	"os"
	"strings"
	"testing"
)

// What nodes that are namespaces cannot have is said before anything is built.
func TestNamespacesProblems(t *testing.T) {
	for _, tt := range []struct{ text, says string }{
		{"as = \"ns\"\nkernel = \"k\"\n", "-kernel goes without -as ns: the kernel is this machine's"},
		{"as = \"ns\"\nimage = \"i\"\n", "-image goes without -as ns"},
		{"as = \"ns\"\ntcg = true\n", "-tcg goes without -as ns"},
		{"as = \"ns\"\narch = \"arm64\"\n", "-arch arm64 goes without -as ns: the processor is this machine's"},
		{"as = \"ns\"\n[[node]]\nname = \"a\"\narch = \"arm64\"\n", `node "a": arch is a virtual machine's`},
		{"as = \"ns\"\n[[node]]\nname = \"a\"\nrtc = \"2020-01-01\"\n", `node "a": rtc is a virtual machine's`},
		{"as = \"ns\"\n[[node]]\nname = \"a\"\nkernel = \"k\"\n", `node "a": kernel is a virtual machine's`},
		{"as = \"pod\"\n", `as "pod": nodes are virtual machines (vm) or namespaces (ns)`},
	} {
		s, err := read(t, tt.text)
		if err != nil {
			t.Fatal(err)
		}
		s.dir = t.TempDir()
		_, err = s.options(func(string) {})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %v, want %q in it", tt.text, err, tt.says)
		}
	}
	s, err := read(t, "as = \"ns\"\nmem = 512\n[[node]]\nname = \"a\"\ncpus = 2\n")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	err = s.namespaces(func(text string) { said = append(said, text) })
	if asRoot := os.Geteuid() == 0; (err == nil) != asRoot || !asRoot && !strings.Contains(err.Error(), "need root") {
		t.Errorf("as user %d: %v", os.Geteuid(), err)
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "mem is a virtual machine's") {
		t.Errorf("it says %q, want a word about mem", said)
	}
}
