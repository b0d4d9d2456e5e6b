package watch

// The bytes of telnet (RFC 854). What is none of them behind iac is no command.
const (
	iac  = 255
	will = 251 // and WONT, DO and DONT behind it: an option follows
	sb   = 250 // something about an option, up to iac se
	se   = 240 // the least of all commands
)

// longest is how long what is said about an option may be: no more is left out for it, as
// on a line that is no telnet.
const longest = 256

// telnet is a line of which the negotiation that terminal servers begin is taken out. Nothing is
// answered, for a line may as well be none of telnet, and then the answer would be typed on
// the node's console. There a byte 255 is noise, and the text behind it stays.
type telnet struct {
	line
	at   func(*telnet, byte) (text bool) // what the next byte is
	said int                             // bytes behind sb
}

func (t *telnet) Read(b []byte) (int, error) {
	for {
		n, err := t.line.Read(b)
		text := 0
		for _, c := range b[:n] {
			if t.is(c) {
				b[text] = c
				text++
			}
		}
		if text > 0 || err != nil || len(b) == 0 {
			return text, err
		}
	}
}

func (t *telnet) is(c byte) (text bool) {
	if t.at == nil {
		t.at = (*telnet).plain
	}
	return t.at(t, c)
}

func (t *telnet) plain(c byte) bool {
	switch c {
	case iac:
		t.at = (*telnet).command
		return false
	case '\r':
		t.at = (*telnet).carriage
	}
	return true
}

// carriage is behind \r, where telnet puts a NUL that means nothing.
func (t *telnet) carriage(c byte) bool {
	t.at = (*telnet).plain
	return c != 0 && t.plain(c)
}

func (t *telnet) command(c byte) bool {
	t.at = (*telnet).plain
	switch {
	case c == iac: // which is a 255 of the text
		return true
	case c >= will:
		t.at = (*telnet).option
	case c == sb:
		t.at, t.said = (*telnet).about, 0
	case c < se:
		return t.plain(c)
	}
	return false
}

// option is behind WILL, WONT, DO and DONT. None is a letter (IANA, telnet-options).
func (t *telnet) option(c byte) bool {
	t.at = (*telnet).plain
	return c >= 50 && c < 128 && t.plain(c)
}

func (t *telnet) about(c byte) bool {
	t.said++
	switch {
	case c == iac:
		t.at = (*telnet).ended
	case t.said == longest:
		t.at = (*telnet).plain
	}
	return false
}

// ended is behind an iac within what is said about an option; two are one byte of it.
func (t *telnet) ended(c byte) bool {
	t.at = (*telnet).about
	if c == se {
		t.at = (*telnet).plain
	}
	return false
}
