package heart

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPackets(t *testing.T) {
	long := append([]byte{0x08, 0x01}, bytes.Repeat([]byte{9}, 0x801)...) // one more than MaxBody
	tests := []struct {
		name string
		in   [][]byte
		want []Packet
	}{
		{"one", [][]byte{{0, 1, 2}}, []Packet{{Op: Beat}}},
		{"two and a part", [][]byte{{0, 1, 2, 0, 3, 4, 'a', 'b', 0}, {1}, {3}}, []Packet{{Op: Beat}, {SetCommand, []byte("ab")}, {Op: ShutDown}}},
		{"byte by byte", [][]byte{{0}, {2}, {4}, {'x'}}, []Packet{{SetCommand, []byte("x")}}},
		{"without an operation", [][]byte{{0, 0, 0, 1, 2}}, []Packet{{Op: Beat}}},
		{"too long", [][]byte{long, {0, 1, 2}}, []Packet{{Op: Beat}}},
	}
	for _, tt := range tests {
		var d Decoder
		var got []Packet
		for _, b := range tt.in {
			d.Take(b, func(p Packet) {
				q := Packet{Op: p.Op}
				if len(p.Data) > 0 {
					q.Data = append(q.Data, p.Data...)
				}
				got = append(got, q)
			})
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := (Packet{Command, []byte("ab")}).Encode(); !bytes.Equal(got, []byte{0, 3, 7, 'a', 'b'}) {
		t.Errorf("encoded: %v", got)
	}
}

// Whatever the pieces of a stream, the packets are the same, and can be written again.
func FuzzPackets(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0, 3, 4, 'a', 'b', 0, 0, 9}, 3)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		cut = max(cut, len(stream)/100) // or a long one in single bytes takes a second
		var whole, pieces Decoder
		var a, b []byte
		whole.Take(stream, func(p Packet) { a = append(a, p.Encode()...) })
		for len(stream) > 0 {
			n := max(1, min(len(stream), cut))
			pieces.Take(stream[:n], func(p Packet) { b = append(b, p.Encode()...) })
			stream = stream[n:]
		}
		if !bytes.Equal(a, b) {
			t.Errorf("at once %v, in pieces %v", a, b)
		}
		var again Decoder
		var c []byte
		again.Take(a, func(p Packet) { c = append(c, p.Encode()...) })
		if !bytes.Equal(a, c) {
			t.Errorf("%v became %v", a, c)
		}
	})
}

func FuzzMessage(f *testing.F) {
	m := Message{Kind: Lost, Reason: Silent, Abort: true, PID: 87, Span: time.Minute}.Encode()
	f.Add(m[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, ok := DecodeMessage(b); ok {
			if e := m.Encode(); !bytes.Equal(e[:], b) {
				t.Errorf("%v became %+v and %v", b, m, e)
			}
		}
	})
}

func TestShellCall(t *testing.T) {
	tests := []struct {
		args string
		want string // "no" where it is none
	}{
		{"-c|exec heart -pid 87 -ht 30", "-pid 87 -ht 30"},
		{"-c|exec heart -pid 87 ", "-pid 87"},
		{"-c|heart -pid 87", "-pid 87"},
		{"-c|exec heart", ""},
		{"-c|exec heart -pid 87;reboot", "no"},
		{"-c|exec heart -pid $(reboot)", "no"},
		{"-c|exec heart -pid 87 -ht", "no"},
		{"-c|exec  heart -pid 87", "no"},
		{"-c|exec heart -wt 60", "no"},
		{"-c|heart -pid 1 -pid 2 -pid 3", "no"},
		{"-c|exec /bin/heart -pid 87", "no"},
		{"-c|ls", "no"},
		{"-c|", "no"},
		{"-c|exec", "no"},
		{"-c", "no"},
		{"-c|exec heart -pid 87|x", "no"},
		{"script.sh", "no"},
		{"", "no"},
	}
	for _, tt := range tests {
		got := "no"
		if heart, ok := ShellCall(strings.Split(tt.args, "|")); ok {
			got = strings.Join(heart, " ")
		}
		if got != tt.want {
			t.Errorf("sh %s: got %q, want %q", tt.args, got, tt.want)
		}
	}
}

func FuzzShellCall(f *testing.F) {
	f.Add("exec heart -pid 87 -ht 30")
	f.Fuzz(func(t *testing.T, call string) {
		words, ok := ShellCall([]string{"-c", call})
		if ok && strings.Trim(strings.Join(words, ""), "-pidht0123456789") != "" {
			t.Errorf("%q: %q", call, words)
		}
	})
}

func TestSettings(t *testing.T) {
	tests := []struct {
		args, env string
		want      Settings
		said      string // part of the notes or of the error; empty: none
	}{
		{"-pid 87", "", Settings{PID: 87, Timeout: time.Minute, Dump: 5 * time.Second}, ""},
		{"-pid 87 -ht 30", "ERL_CRASH_DUMP_SECONDS=20", Settings{PID: 87, Timeout: 30 * time.Second, Dump: 20 * time.Second}, ""},
		{"-pid 87 -ht 10", "", Settings{PID: 87, Timeout: time.Minute, Dump: 5 * time.Second}, "HEART_BEAT_TIMEOUT 10 is not 11 to 65535 seconds; using 60"},
		{"-pid 87", "HEART_INIT_TIMEOUT=60 HEART_INIT_GRACE_TIME=700", Settings{PID: 87, Timeout: time.Minute, Dump: 5 * time.Second, Grace: 10 * time.Minute, Init: 10 * time.Minute}, ""},
		{"-pid 87", "HEART_KILL_SIGNAL=SIGABRT HEART_NO_KILL=TRUE", Settings{PID: 87, Timeout: time.Minute, Dump: 5 * time.Second, Abort: true, NoKill: true}, ""},
		{"-pid 87", "HEART_KILL_SIGNAL=SIGHUP", Settings{PID: 87, Timeout: time.Minute, Dump: 5 * time.Second}, "HEART_KILL_SIGNAL"},
		{"-pid 87", "HEART_WATCHDOG_PATH=/dev/watchdog1", Settings{PID: 87, Timeout: time.Minute, Dump: 5 * time.Second}, "watchdog.device"},
		{"-pid 87", "HEART_COMMAND=reboot", Settings{PID: 87, Timeout: time.Minute, Dump: 5 * time.Second}, "HEART_COMMAND has no effect"},
		{"-pid 87", "HEART_INIT_TIMEOUT=soon", Settings{PID: 87, Timeout: time.Minute, Dump: 5 * time.Second}, "HEART_INIT_TIMEOUT soon is no number"},
		{"", "", Settings{}, "started by ERTS"},
		{"-pid", "", Settings{}, "-pid wants a value"},
		{"-pid 1", "", Settings{}, "-pid 1 is no process"},
		{"-x 1", "", Settings{}, "no option -x"},
	}
	for _, tt := range tests {
		s, notes, err := Arguments(strings.Fields(tt.args))
		if err == nil {
			notes = append(notes, s.Environment(func(name string) (string, bool) {
				for _, v := range strings.Fields(tt.env) {
					if n, value, _ := strings.Cut(v, "="); n == name {
						return value, true
					}
				}
				return "", false
			})...)
		} else {
			s, notes = Settings{}, []string{err.Error()}
		}
		said := strings.Join(notes, "\n")
		if s != tt.want || !strings.Contains(said, tt.said) || tt.said == "" && said != "" {
			t.Errorf("%s, %s: got %+v, %q", tt.args, tt.env, s, said)
		}
	}
}

// A beat is a second of a heart's life and what happens then.
type beatAt struct {
	second int
	packet string // operation and data; empty: only the time is asked
	want   string
}

// told puts what a Do says into words.
func told(d Do) string {
	var f []string
	if d.Answer != nil {
		f = append(f, "answers "+string('0'+rune(d.Answer[2])))
	}
	if k := d.Tell.Kind; k != 0 {
		text := "tells " + [...]string{Beats: "beats", Lost: "lost", Crashing: "crashing", DownAsked: "asked", Snoozed: "snoozed", Unpetted: "unpetted"}[k]
		if k == Lost {
			text += " " + d.Tell.Why()
		}
		if k == DownAsked {
			text += [...]string{Reboot: " reboot", PowerOff: " poweroff", Halt: " halt"}[d.Tell.Action]
			if d.Tell.Now {
				text += " now"
			}
		}
		f = append(f, text)
	}
	if d.Say != "" && d.Tell.Kind != Lost {
		f = append(f, "says")
	}
	if d.End != GoOn {
		f = append(f, [...]string{Leave: "leaves", Await: "awaits", AwaitEnd: "awaits the end"}[d.End])
	}
	return strings.Join(f, ", ")
}

func TestHeart(t *testing.T) {
	minute := Settings{PID: 87, Timeout: time.Minute}
	with := func(change func(*Settings)) Settings { s := minute; change(&s); return s }
	tests := []struct {
		name string
		s    Settings
		list []beatAt
	}{
		{"beats", minute, []beatAt{{0, "2", "tells beats"}, {0, "2", ""}, {5, "2", "tells beats"}, {64, "", ""},
			{65, "", "tells lost hung: no heart beat for 1m0s, awaits"}, {66, "2", ""}, {200, "", ""}}},
		{"never beats", minute, []beatAt{{59, "", ""}, {60, "", "tells lost hung: no heart beat for 1m0s, awaits"}}},
		{"stops in order", minute, []beatAt{{0, "2", "tells beats"}, {1, "3", "leaves"}, {100, "", ""}}},
		{"crashes", minute, []beatAt{{1, "8", "tells crashing, awaits"}}},
		{"grace", with(func(s *Settings) { s.Grace = time.Minute }), []beatAt{{119, "", ""}, {120, "", "tells lost hung: no heart beat for 1m0s, awaits"}}},
		{"handshake", with(func(s *Settings) { s.Init = 30 * time.Second }), []beatAt{{29, "2", "tells beats"},
			{30, "", "tells lost hung: no init_handshake within 30s, awaits"}}},
		{"handshake in time", with(func(s *Settings) { s.Init = 30 * time.Second }), []beatAt{{29, "4init_handshake", "answers 1, says"},
			{30, "2", "tells beats"}, {40, "", ""}}},
		{"no kill", with(func(s *Settings) { s.NoKill = true }), []beatAt{{60, "", "says"}, {61, "", ""}, {119, "", ""}, {120, "", "says"}}},
		{"snooze", minute, []beatAt{{0, "4snooze", "answers 1, tells snoozed, says"}, {899, "", ""}, {900, "", "tells lost hung: no heart beat for 1m0s, awaits"}}},
		{"words", minute, []beatAt{
			{0, "4guarded_reboot", "answers 1, tells asked reboot"},
			{0, "4guarded_poweroff", "answers 1, tells asked poweroff"},
			{0, "4guarded_halt", "answers 1, tells asked halt"},
			{0, "4guarded_immediate_reboot", "answers 1, tells asked reboot now"},
			{0, "4guarded_immediate_poweroff", "answers 1, tells asked poweroff now"},
			{0, "4guarded_immediate_halt", "answers 1, says"},
			{0, "4disable_hw", "answers 1, tells unpetted, says"},
			{0, "4disable", "answers 1, tells unpetted, says"},
			{0, "4/sbin/reboot", "answers 1, says"},
			{0, "4", "answers 1, says"},
			{0, "5", "answers 1"},
			{0, "6", "answers 7"},
			{0, "9", ""},
			{0, "4disable_vm", "answers 1, tells lost killed because it said disable_vm, awaits"}}},
	}
	for _, tt := range tests {
		h := New(tt.s, 0)
		for i, b := range tt.list {
			now := time.Duration(b.second) * time.Second
			var do Do
			if b.packet == "" {
				do = h.Late(now)
			} else {
				do = h.Delivered(Packet{Op(b.packet[0] - '0'), []byte(b.packet[1:])}, now)
			}
			if got := told(do); got != b.want {
				t.Errorf("%s: %d: got %q, want %q", tt.name, i, got, b.want)
			}
			if do.Tell.Kind != 0 {
				e := do.Tell.Encode()
				if m, ok := DecodeMessage(e[:]); !ok || m != do.Tell {
					t.Errorf("%s: %d: %+v arrives as %+v, %v", tt.name, i, do.Tell, m, ok)
				}
			}
		}
	}
}

// A heart that was stopped for an hour with all else has lost no beat; one that runs has.
func TestStoodStill(t *testing.T) {
	h := New(Settings{PID: 87, Timeout: time.Minute}, 0)
	h.Delivered(Packet{Op: Beat}, 10*time.Second)
	now := 30*time.Second + time.Hour
	h.Suspended(time.Hour)
	if got := told(h.Late(now)); got != "" {
		t.Errorf("after an hour that nobody ran: %q", got)
	}
	if got := told(h.Late(now + 40*time.Second)); got != "tells lost hung: no heart beat for 1m0s, awaits" {
		t.Errorf("40 s later: %q", got)
	}
}

func TestStatus(t *testing.T) {
	h := New(Settings{PID: 87, Timeout: time.Minute, Init: 90 * time.Second}, 0)
	h.Delivered(Packet{Op: Beat}, 5*time.Second)
	want := "program_name=beaminit\nprogram_version=2.5.0\nheartbeat_timeout=60\nheartbeat_time_left=55\ninit_grace_time_left=0\nsnooze_time_left=0\n" +
		"init_handshake_happened=0\ninit_handshake_timeout=90\ninit_handshake_time_left=80\n"
	if got := h.status(10 * time.Second); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
