package devices

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string // | is the zero byte
		want event
	}{
		{"add@/devices/virtual/mem/null|ACTION=add|DEVPATH=/devices/virtual/mem/null|SUBSYSTEM=mem|MAJOR=1|MINOR=3|DEVNAME=null|SEQNUM=7|",
			event{"add", "/sys/devices/virtual/mem/null", "null", ""}},
		{"remove@/devices/a|ACTION=remove|DEVPATH=/devices/a|DEVNAME=bus/usb/001/002|", event{"remove", "/sys/devices/a", "bus/usb/001/002", ""}},
		{"add@/devices/a|ACTION=add|DEVPATH=/devices/a|SUBSYSTEM=usb|MODALIAS=usb:v0403|", event{"add", "/sys/devices/a", "", " usb:v0403"}},
		{"add@/devices/a|ACTION=add|DEVPATH=/devices/a|MODALIAS=of:Na|DEVNAME=i2c-1|MODALIAS=acpi:A:|", event{"add", "/sys/devices/a", "i2c-1", " of:Na acpi:A:"}},
		{"add@/devices/a|ACTION=add|DEVPATH=/devices/a|SUBSYSTEM=usb|", event{}},         // neither node nor words
		{"add@/module/a|ACTION=add|DEVPATH=/module/a|DEVNAME=a|", event{}},               // no device
		{"add@/devices/a|ACTION=add|DEVPATH=/devices/../../etc|DEVNAME=a|", event{}},     // not the kernel's
		{"add@/devices/a|ACTION=add|DEVPATH=/devices/a|DEVNAME=../etc/shadow|", event{}}, // nor this
		{"libudev|\xfe\xed\xca\xfe|ACTION=add|DEVPATH=/devices/a|", event{}},             // udev's own
		{"ACTION=add|DEVPATH=/devices/a|DEVNAME=a|", event{}},                            // without a first line
		{"", event{}},
	} {
		got, ok := parse([]byte(strings.ReplaceAll(c.text, "|", "\x00")))
		if ok != (c.want != event{}) || ok && got != c.want {
			t.Errorf("%q: got %+v, %v, want %+v", c.text, got, ok, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("add@/devices/a\x00ACTION=add\x00DEVPATH=/devices/a\x00DEVNAME=a\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if e, ok := parse(text); ok && (strings.Contains(e.name+"/", "../") || !strings.HasPrefix(e.dir, "/sys/devices/") || strings.Contains(e.dir+"/", "/../")) {
			t.Errorf("%q: %+v leads elsewhere", text, e)
		}
	})
}
