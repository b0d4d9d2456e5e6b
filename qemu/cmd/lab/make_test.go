package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What make hands on to the lab is what was said to make, and nothing that make or the environment of a cross
// compiler has by the same name (AS, ARCH).
func TestMakeHandsOn(t *testing.T) {
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{nil, "build/lab-tool up"},
		{[]string{"AS=ns", "NODES=5"}, "build/lab-tool up -nodes 5 -as ns"},
		{[]string{"ARCH=arm64", "TCG=1"}, "build/lab-tool up -arch arm64 -tcg"},
	} {
		cmd := exec.Command("make", append([]string{"-n", "-C", "../../..", "up"}, tt.words...)...)
		cmd.Env = append(os.Environ(), "AS=x86_64-oe-linux-as", "ARCH=x86", "MAKEFLAGS=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make: %v\n%s", err, out)
		}
		got := ""
		for _, line := range strings.Split(string(out), "\n") {
			if _, rest, ok := strings.Cut(line, "build/lab-tool up"); ok {
				got = strings.Join(strings.Fields("build/lab-tool up"+rest), " ")
			}
		}
		if got != tt.want {
			t.Errorf("make up %v: %q, want %q", tt.words, got, tt.want)
		}
	}
}
