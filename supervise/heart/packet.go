package heart

// Op is the operation of a packet between ERTS and its heart, as OTP's
// erts/etc/common/heart.c has them.
type Op byte

// The operations.
const (
	Ack            Op = 1 // to ERTS: started, or a command was taken
	Beat           Op = 2
	ShutDown       Op = 3 // the VM stops in order: nothing is to follow
	SetCommand     Op = 4 // wants an Ack
	ClearCommand   Op = 5 // wants an Ack
	GetCommand     Op = 6 // wants a Command
	Command        Op = 7 // to ERTS: the answer to GetCommand
	PreparingCrash Op = 8 // the VM begins to write its crash dump
)

// MaxBody is the longest operation with its data that heart.c takes, in bytes.
const MaxBody = 2048

// Packet is one message: two bytes of length, most significant first ({packet, 2}
// of erlang:open_port/2), the operation, data.
type Packet struct {
	Op   Op
	Data []byte
}

// Encode gives the bytes of a packet; data beyond MaxBody is cut off.
func (p Packet) Encode() []byte {
	data := p.Data[:min(len(p.Data), MaxBody-1)]
	n := len(data) + 1
	return append(append(make([]byte, 0, n+2), byte(n>>8), byte(n), byte(p.Op)), data...)
}

// Decoder finds the packets in a stream. What is longer than MaxBody is passed
// over, as heart.c does it.
type Decoder struct{ b []byte }

// Take adds bytes of the stream and gives every packet that they complete to f. Its
// data is valid until f returns.
func (d *Decoder) Take(b []byte, f func(Packet)) {
	d.b = append(d.b, b...)
	rest := d.b
	for len(rest) >= 2 {
		n := int(rest[0])<<8 | int(rest[1])
		if len(rest) < 2+n {
			break
		}
		if n > 0 && n <= MaxBody {
			f(Packet{Op(rest[2]), rest[3 : 2+n]})
		}
		rest = rest[2+n:]
	}
	d.b = append(d.b[:0], rest...)
}
