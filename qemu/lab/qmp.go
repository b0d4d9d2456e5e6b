package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// qmp is a connection to QEMU's machine protocol (QEMU docs/interop/qmp-spec.txt).
type qmp struct {
	conn net.Conn

	mu      sync.Mutex // held while a command is under way: answers come in their order
	answers chan qmpMessage
}

type qmpMessage struct {
	Event string `json:"event"`
	Data  struct {
		Reason string `json:"reason"`
	} `json:"data"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
}

// qmpPatience is how long an answer may take on a machine that has much to do.
const qmpPatience = 30 * time.Second

// newQMP speaks QMP on conn and calls event for each that QEMU sends.
func newQMP(conn net.Conn, event func(name, reason string)) *qmp {
	q := &qmp{conn: conn, answers: make(chan qmpMessage, 1)}
	go func() {
		defer conn.Close()
		defer close(q.answers)
		d := json.NewDecoder(conn)
		for {
			var m qmpMessage
			if d.Decode(&m) != nil {
				return
			}
			switch {
			case m.Event != "":
				event(m.Event, m.Data.Reason)
			case m.Return != nil || m.Error != nil:
				select {
				case q.answers <- m:
				default: // of a command that nobody waited for
				}
			}
		}
	}()
	q.write("qmp_capabilities", nil)
	<-q.answers
	return q
}

func (q *qmp) write(command string, args map[string]any) error {
	line, err := json.Marshal(struct {
		Execute   string         `json:"execute"`
		Arguments map[string]any `json:"arguments,omitempty"`
	}{command, args})
	if err != nil {
		return err
	}
	_, err = q.conn.Write(append(line, '\n'))
	return err
}

// execute runs a command and waits for its answer.
func (q *qmp) execute(command string, args map[string]any) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-q.answers: // a late one
	default:
	}
	if err := q.write(command, args); err != nil {
		return err
	}
	select {
	case m, open := <-q.answers:
		if !open {
			return errors.New("the machine is gone")
		}
		if m.Error != nil {
			return fmt.Errorf("QEMU: %s", m.Error.Desc)
		}
		return nil
	case <-time.After(qmpPatience):
		return errors.New("QEMU does not answer")
	}
}
