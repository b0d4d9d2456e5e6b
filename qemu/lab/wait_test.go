package lab

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/watch"
)

func TestWaitLineSeesWhatWasAndWhatComes(t *testing.T) {
	c, err := watch.NewConsole(filepath.Join(t.TempDir(), "console.log"))
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{Spec: NodeSpec{Name: "eclero6"}, con: c}
	c.Took([]byte("the cluster is whole\n"))
	ctx, cancel := context.WithTimeout(context.Background(), nstest.Patience)
	defer cancel()
	if got, err := n.WaitLine(ctx, "is whole"); err != nil || got != "the cluster is whole" {
		t.Errorf("WaitLine of a line that was: %q, %v", got, err)
	}
	go c.Took([]byte("and now this\n"))
	if got, err := n.WaitLine(ctx, "now this"); err != nil || got != "and now this" {
		t.Errorf("WaitLine of a line to come: %q, %v", got, err)
	}
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = n.WaitLine(short, "never")
	if err == nil || !strings.Contains(err.Error(), "and now this") {
		t.Errorf("WaitLine of what never comes gave %v; want an error with the console's end", err)
	}
}
