package netcfg

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/beaminit/beaminit/internal/nstest"
)

func watch(t *testing.T) *Watch {
	t.Helper()
	w, err := OpenWatch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func wantChange(t *testing.T, w *Watch, want bool, timeout time.Duration) {
	t.Helper()
	if got, err := w.Wait(timeout); got != want || err != nil {
		t.Errorf("Wait(%v) = %v, %v, want %v", timeout, got, err, want)
	}
}

// An Apply that finds all as it shall be must not wake up the watch, or the two
// would chase each other for ever.
func TestWatchQuietApply(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		veth(t)
		ip(t, "link set peer0 up")
		wantStates(t, usualPlan.Apply(), Ready, Ready)
		// The kernel reports the state of a new link for up to a second.
		time.Sleep(1500 * time.Millisecond)
		w := watch(t)
		wantStates(t, usualPlan.Apply(), Ready, Ready)
		wantStates(t, usualPlan.Check(), Ready, Ready)
		wantChange(t, w, false, 300*time.Millisecond)
	})
}

func TestWatchManyEvents(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		w := watch(t)
		veth(t)
		// More than the socket holds: ENOBUFS is a change like any other.
		for i := 0; i < 200; i++ {
			if s := usualPlan.Apply(); s.Links[1].State != NoCarrier {
				t.Fatalf("eth0 is %v, want no carrier", s.Links[1].State)
			}
			if err := setDown("eth0"); err != nil {
				t.Fatal(err)
			}
		}
		wantChange(t, w, true, nstest.Patience)
		time.Sleep(1500 * time.Millisecond)
		w.Wait(0)
		wantChange(t, w, false, 50*time.Millisecond)
		veth2 := "link add v1 type veth peer name v2"
		ip(t, veth2)
		wantChange(t, w, true, nstest.Patience)
	})
}

func TestWatchClose(t *testing.T) {
	w := watch(t)
	result := make(chan error)
	go func() {
		for {
			if _, err := w.Wait(20 * time.Second); err != nil {
				result <- err
				return
			}
		}
	}()
	time.Sleep(20 * time.Millisecond)
	w.Close()
	select {
	case err := <-result:
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("Wait: %v, want os.ErrClosed", err)
		}
	case <-time.After(nstest.Patience):
		t.Fatal("Wait did not return after Close")
	}
	if _, err := w.Wait(time.Second); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Wait after Close: %v, want os.ErrClosed", err)
	}
}

// setDown sets a link down, which Apply never does.
func setDown(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetDown(link)
}
