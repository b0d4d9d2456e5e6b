package health

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tries is how often TestTruth lets a release try to pass for its node: make soak does
// it a million times.
var tries = flag.Int("truth.tries", 50_000, "tries of TestTruth")

// TestTruth: no text that a release can print, exit with, crash with or be named changes
// what a reader of the console takes for the node's word, whatever the line does to it on
// the way: cut, merged, or with flipped bits. Writer, escaper and reader are the real ones.
func TestTruth(t *testing.T) {
	device := filepath.Join(t.TempDir(), "kmsg")
	if err := unix.Mkfifo(device, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	c := NewConsole()
	c.Open(device)
	rng := rand.New(rand.NewSource(1))
	found := 0
	buf := make([]byte, 64<<10)
	for try := range *tries {
		truth := speak(c, rng, uint32(try+1))
		n, err := unix.Read(fd, buf)
		if err != nil {
			t.Fatal(err)
		}
		line := disturb(rng, serial(buf[:n], rng))
		for _, l := range bytes.Split(line, []byte("\n")) {
			r, ok := Find(l)
			if !ok {
				continue
			}
			found++
			if !slices.Contains(truth, string(r.Append(nil))) {
				t.Fatalf("try %d: the reader took %+v\nfrom the line %q\nof %q\nbut what was said is %q", try, r, l, line, truth)
			}
		}
	}
	if found < *tries/4 {
		t.Errorf("%d true records were found in %d tries: the noise tests nothing", found, *tries)
	}
}

// speak has a node say a record and a few lines with what its release wants it to say,
// and gives the records that are true.
func speak(c *Console, rng *rand.Rand, seq uint32) (truth []string) {
	is := Record{Boot: 0x3f2a91c0, Seq: seq, Up: time.Duration(seq) * time.Second, Node: "app@n1", State: Down, Restarts: 3, Peers: 2}
	for n := 1 + rng.Intn(3); n > 0; n-- {
		text := forgery(rng, is)
		switch rng.Intn(4) {
		case 0:
			c.Output(text)
		case 1:
			c.Say(Warning, "release: slogan: "+text)
		case 2:
			c.Say(Notice, text)
		default:
			r := is
			r.Why = text
			if rng.Intn(3) == 0 {
				r.Node, r.Clock, r.Missing = text, text, []Missing{{Name: text}}
			}
			c.Health(r)
			truth = append(truth, string(r.Append(nil)))
		}
	}
	if rng.Intn(2) == 0 {
		c.Health(is)
		truth = append(truth, string(is.Append(nil)))
	}
	return truth
}

// forgery is a text with which a release would pass for a healthy node.
func forgery(rng *rand.Rand, is Record) string {
	lie := is
	lie.State, lie.Connected, lie.Seq = Up, 2, is.Seq+uint32(rng.Intn(3))
	if rng.Intn(4) == 0 {
		lie.Seq = 4_000_000_000
	}
	text := string(lie.Append(nil))
	for range rng.Intn(4) {
		switch rng.Intn(8) {
		case 0:
			text = "beaminit: " + text
		case 1:
			text = "[    9.000001] " + text
		case 2:
			text = []string{"\r", "\n", "\r\n", "\x1b[2K\r", "\x9b1G", "\u2028", "\t", "\x00"}[rng.Intn(8)] + text
		case 3:
			text = "30,7,9000001,-;" + text
		case 4: // what an escaper may make whole again
			at := rng.Intn(len(text))
			text = text[:at] + []string{"health v=", "crc=", "\x00", "\xff", "\"", "\\"}[rng.Intn(6)] + text[at:]
		case 5:
			text = text + " " + text
		case 6:
			text = text[rng.Intn(len(text)):]
		default:
			text = strings.Repeat("x", rng.Intn(900)) + text
		}
		if text == "" {
			return "x"
		}
	}
	return text
}

// serial is what the kernel makes of its log on a serial line.
func serial(log []byte, rng *rand.Rand) []byte {
	var out []byte
	for _, l := range bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")) {
		_, text, _ := bytes.Cut(l, []byte(">"))
		out = fmt.Appendf(out, "[%12.6f] %s\r\n", rng.Float64()*1000, text)
	}
	return out
}

// disturb is a bad line: nothing, or up to three disturbances.
func disturb(rng *rand.Rand, line []byte) []byte {
	for range rng.Intn(4) {
		if len(line) == 0 {
			break
		}
		at := rng.Intn(len(line))
		switch rng.Intn(5) {
		case 0:
			line[at] ^= 1 << rng.Intn(8)
		case 1:
			line = slices.Delete(line, at, min(len(line), at+1+rng.Intn(200)))
		case 2:
			line = slices.Insert(line, at, []byte("[    2.000000] printk in between\r\n")...)
		case 3: // two lines become one
			if end := bytes.IndexByte(line[at:], '\n'); end >= 0 {
				line = slices.Delete(line, at+end, at+end+1)
			}
		case 4: // a piece comes twice
			line = slices.Insert(line, at, bytes.Clone(line[at:min(len(line), at+rng.Intn(400))])...)
		}
	}
	return line
}
