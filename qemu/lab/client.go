package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/beaminit/beaminit/qemu/lan"
)

// Client drives a lab that runs in another process.
type Client struct {
	dir string
}

// NewClient gives a client of the lab that runs in dir, if one does.
func NewClient(dir string) *Client { return &Client{dir} }

// ErrNone says that no lab runs in a directory.
var ErrNone = errors.New("no lab runs")

// ErrEnded says that the lab went away in the middle of a request.
var ErrEnded = errors.New("the lab has ended")

func (c *Client) ask(r request) (net.Conn, *bufio.Reader, answer, error) {
	var a answer
	conn, err := lan.DialUnix(controlSocket(c.dir))
	if err != nil {
		return nil, nil, a, fmt.Errorf("%w in %s", ErrNone, c.dir)
	}
	line, err := json.Marshal(r)
	if err == nil {
		_, err = conn.Write(append(line, '\n'))
	}
	in := bufio.NewReader(conn)
	var got []byte
	if err == nil {
		got, err = in.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(got, &a)
	}
	if err == nil && a.Error != "" {
		if err = errors.New(a.Error); a.Words {
			err = &WordsError{err}
		}
	}
	if err != nil {
		conn.Close()
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
			err = ErrEnded
		}
		return nil, nil, a, err
	}
	return conn, in, a, nil
}

func (c *Client) do(r request) (answer, error) {
	conn, _, a, err := c.ask(r)
	if err == nil {
		conn.Close()
	}
	return a, err
}

// Status is Lab.Status.
func (c *Client) Status() (Status, error) {
	a, err := c.do(request{Do: "status"})
	if err != nil {
		return Status{}, err
	}
	return *a.Status, nil
}

// Do is Lab.Do.
func (c *Client) Do(words ...string) error {
	_, err := c.do(request{Do: "do", Words: words})
	return err
}

// Log gives the last lines of a node's console.
func (c *Client) Log(node string, lines int) ([]string, error) {
	a, err := c.do(request{Do: "log", Node: node, Lines: lines})
	return a.Lines, err
}

// Down ends the lab in order, says how each node ended, and returns when it is gone.
func (c *Client) Down() ([]string, error) {
	conn, in, a, err := c.ask(request{Do: "down"})
	if errors.Is(err, ErrEnded) { // sooner than it could answer
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in.ReadByte() // the connection ends with the lab
	return a.Lines, nil
}

// Console connects to a node's serial console: first come its last lines, then a
// stream both ways, until it is closed.
func (c *Client) Console(node string, lines int) (last []string, stream io.ReadWriteCloser, err error) {
	return c.stream(request{Do: "console", Node: node, Lines: lines})
}

// Shell connects to a node's second serial port, see Node.Shell.
func (c *Client) Shell(node string) (stream io.ReadWriteCloser, err error) {
	_, stream, err = c.stream(request{Do: "shell", Node: node})
	return stream, err
}

// Sniff gives what is on the LAN from now on, as pcapng, until it is closed.
func (c *Client) Sniff() (io.ReadCloser, error) {
	_, stream, err := c.stream(request{Do: "sniff"})
	return stream, err
}

func (c *Client) stream(r request) (last []string, stream io.ReadWriteCloser, err error) {
	conn, in, a, err := c.ask(r)
	if err != nil {
		return nil, nil, err
	}
	return a.Lines, struct {
		io.Reader
		io.WriteCloser
	}{in, conn}, nil
}

// Dir is that of the lab.
func (c *Client) Dir() string { return c.dir }

// Said: see Lab.Said.
func (c *Client) Said(node string, seen int) (lines []string, total int, err error) {
	a, err := c.do(request{Do: "said", Node: node, Lines: seen})
	return a.Lines, a.Total, err
}

// Playing: see Lab.Playing. That the lab is gone is told by whatever is asked next.
func (c *Client) Playing(p Playing) { c.do(request{Do: "playing", Play: p}) }
