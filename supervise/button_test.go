package supervise

import (
	"encoding/binary"
	"testing"
)

func inputEvent(kind, code uint16, value uint32) []byte {
	b := make([]byte, eventSize)
	binary.NativeEndian.PutUint16(b[eventSize-8:], kind)
	binary.NativeEndian.PutUint16(b[eventSize-6:], code)
	binary.NativeEndian.PutUint32(b[eventSize-4:], value)
	return b
}

func TestPowerPressed(t *testing.T) {
	const keyA, evSyn, evSwitch = 30, 0, 5
	press, release := inputEvent(evKey, keyPower, 1), inputEvent(evKey, keyPower, 0)
	for _, tt := range []struct {
		name   string
		events [][]byte
		want   bool
	}{
		{"nothing", nil, false},
		{"press", [][]byte{press}, true},
		{"release", [][]byte{release}, false},
		{"repetition", [][]byte{inputEvent(evKey, keyPower, 2)}, false},
		{"another key", [][]byte{inputEvent(evKey, keyA, 1)}, false},
		{"another kind", [][]byte{inputEvent(evSwitch, keyPower, 1)}, false},
		{"among others", [][]byte{inputEvent(evKey, keyA, 1), inputEvent(evSyn, 0, 0), press, release}, true},
		{"cut off", [][]byte{press[:len(press)-1]}, false},
	} {
		var b []byte
		for _, e := range tt.events {
			b = append(b, e...)
		}
		if got := powerPressed(b); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if got := powerButtons("/no/such/directory"); got != nil {
		t.Errorf("%v", got)
	}
}
