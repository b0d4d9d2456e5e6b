package lab

import (
	"encoding/json"
	"net"
)

// qmp speaks QEMU's machine protocol: it says what the machine does (a reset, a power
// off), which the serial console does not tell.
type qmp struct {
	conn net.Conn
}

type qmpMessage struct {
	Event string `json:"event"`
	Data  struct {
		Reason string `json:"reason"`
	} `json:"data"`
}

// newQMP leaves the negotiation and calls event for each event, until conn ends.
func newQMP(conn net.Conn, event func(name, reason string)) *qmp {
	q := &qmp{conn: conn}
	go func() {
		defer conn.Close()
		d := json.NewDecoder(conn)
		for {
			var m qmpMessage
			if d.Decode(&m) != nil {
				return
			}
			if m.Event != "" {
				event(m.Event, m.Data.Reason)
			}
		}
	}()
	q.execute("qmp_capabilities", nil)
	return q
}

// execute sends a command, with arguments where args is not nil. What QEMU answers is
// not waited for.
func (q *qmp) execute(command string, args map[string]string) error {
	line, err := json.Marshal(struct {
		Execute   string            `json:"execute"`
		Arguments map[string]string `json:"arguments,omitempty"`
	}{command, args})
	if err != nil {
		return err
	}
	_, err = q.conn.Write(append(line, '\n'))
	return err
}
