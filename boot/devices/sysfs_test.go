package devices

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
)

// TestMatches has a GPS receiver behind a hub, as sysfs has it: the attributes of the USB device
// are two directories above the tty, those of the hub further above.
func TestMatches(t *testing.T) {
	root := t.TempDir()
	const tty = "usb1/1-1/1-1.2/1-1.2:1.0/tty/ttyACM0"
	nstest.Must(t, os.MkdirAll(filepath.Join(root, tty), 0o755))
	for path, text := range map[string]string{
		"usb1/1-1/idVendor": "1d6b\n", "usb1/1-1/maxchild": "4\n", "usb1/1-1/1-1.2/idVendor": "1546\n", "usb1/1-1/1-1.2/idProduct": "01a8\n",
		"usb1/1-1/1-1.2/product": "u-blox 7 - GPS/GNSS Receiver \n", "usb1/1-1/1-1.2/1-1.2:1.0/bInterfaceNumber": "00\n",
		tty + "/uevent": "MAJOR=166\nMINOR=3\nDEVNAME=ttyACM0\n",
	} {
		nstest.Must(t, os.WriteFile(filepath.Join(root, path), []byte(text), 0o644))
	}
	nstest.Must(t, os.Symlink("../../../../../../class/tty", filepath.Join(root, tty, "subsystem")))
	d, ok := read(filepath.Join(root, tty))
	if !ok || d.name != "ttyACM0" || d.rdev != 166<<8|3 {
		t.Fatalf("read %+v, %v", d, ok)
	}
	for match, want := range map[string]bool{
		"devname=ttyACM*": true, "devname=ttyACM[1-9]": false, "devname=tty": false,
		"devname=tty/ttyACM*": true, "devname=usb/ttyACM*": false, "devname=tty/*|subsystem=usb": false,
		"subsystem=tty": true, "subsystem=usb": false,
		"idVendor=1546|idProduct=01a8": true, "idVendor=1546|idProduct=01a9": false,
		"idVendor=1d6b":                           false, // of the hub
		"maxchild=4":                              true,  // which the receiver has not
		"bInterfaceNumber=00|product=*Receiver":   true,
		"devname=*|serial=*":                      false, // there is none
		"1-1.2:1.0=*":                             false, // a directory
		"devname=ttyACM0|subsystem=tty|idVendor=": false,
	} {
		if got := d.matches(strings.Split(match, "|")); got != want {
			t.Errorf("%s: %v, want %v", match, got, want)
		}
	}
}
