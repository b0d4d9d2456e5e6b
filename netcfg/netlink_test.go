package netcfg

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/nstest"
)

// down sets a link down, which Apply never does.
func down(name string) error {
	fd, err := open()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// reply builds a message as the kernel does.
func reply(typ, flags uint16, seq uint32, body ...byte) []byte {
	return finish(append(message(nil, typ, flags, seq), body...), 0)
}

func u32(v int32) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(v)) }

// refusalBody is struct nlmsgerr with the request it is about, and a text.
func refusalBody(errno unix.Errno, request []byte, text string) []byte {
	b := append(u32(-int32(errno)), request...)
	if text != "" {
		b = attr(b, 1, append([]byte(text), 0))
	}
	return b
}

func TestNext(t *testing.T) {
	request := step{op: setUp}.append(nil, 7, 1, &Link{})
	link := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(link[8:], unix.IFF_UP|unix.IFF_LOWER_UP)
	cut := reply(unix.RTM_NEWLINK, 0, 9, link...)
	binary.NativeEndian.PutUint32(cut, 5000)
	tests := []struct {
		name string
		in   []byte
		want []answer
	}{
		{"nothing", nil, nil},
		{"half a header", make([]byte, 15), nil},
		{"length zero", make([]byte, 32), nil},
		{"refused", reply(unix.NLMSG_ERROR, 0, 7, refusalBody(unix.EPERM, request, "")...), []answer{{seq: 7, errno: unix.EPERM}}},
		{"refused in words", reply(unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, 7, refusalBody(unix.EINVAL, request, "no such thing")...),
			[]answer{{seq: 7, errno: unix.EINVAL, text: []byte("no such thing")}}},
		{"refused in words, request capped", reply(unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS|unix.NLM_F_CAPPED, 7,
			refusalBody(unix.EINVAL, request[:16], "no")...), []answer{{seq: 7, errno: unix.EINVAL, text: []byte("no")}}},
		{"link, then refused", append(reply(unix.RTM_NEWLINK, 0, 8, link...), reply(unix.NLMSG_ERROR, 0, 9, refusalBody(unix.ENODEV, request, "")...)...),
			[]answer{{seq: 8, link: true, flags: unix.IFF_UP | unix.IFF_LOWER_UP}, {seq: 9, errno: unix.ENODEV}}},
		{"link, its attributes cut", cut, []answer{{seq: 9, link: true, flags: unix.IFF_UP | unix.IFF_LOWER_UP}}},
		{"others are passed over", append(reply(unix.RTM_NEWADDR, 0, 1, 1, 2, 3, 4), reply(unix.NLMSG_ERROR, 0, 2, u32(0)...)...),
			[]answer{{seq: 2}}},
		{"a link too short", reply(unix.RTM_NEWLINK, 0, 1, 1, 2, 3, 4), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []answer
			for b := tt.in; ; {
				a, rest, ok := next(b)
				if !ok {
					break
				}
				got, b = append(got, a), rest
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %+v, want %+v", got, tt.want)
			}
			for i, g := range got {
				w := tt.want[i]
				if g.seq != w.seq || g.link != w.link || g.flags != w.flags || g.errno != w.errno || !bytes.Equal(g.text, w.text) {
					t.Errorf("got %+v, want %+v", g, w)
				}
			}
		})
	}
}

// A batch larger than any plan: the kernel refuses each request by its number.
func TestBatchOfMany(t *testing.T) {
	nstest.Run(t, nstest.Usual, func(t *testing.T) {
		p := Plan{Links: []Link{{Name: "lo"}}}
		for i := 0; i < 60; i++ {
			p.Links[0].Gateway = append(p.Links[0].Gateway, addrs("192.0.2.1")...)
		}
		s := p.Apply()
		if len(s.Links[0].Errs) != 60 || len(s.Errs) != 0 {
			t.Errorf("got %d errors and %v, want 60 and none", len(s.Links[0].Errs), s.Errs)
		}
	})
}

func FuzzNext(f *testing.F) {
	request := step{op: setUp}.append(nil, 7, 1, &Link{})
	f.Add(reply(unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, 7, refusalBody(unix.EINVAL, request, "no such thing")...))
	f.Add(reply(unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS|unix.NLM_F_CAPPED, 7, refusalBody(unix.EINVAL, request[:16], "no")...))
	f.Add(reply(unix.RTM_NEWLINK, 0, 8, make([]byte, unix.SizeofIfInfomsg)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		for b := data; ; {
			a, rest, ok := next(b)
			if !ok {
				return
			}
			if len(rest) >= len(b) {
				t.Fatalf("no progress: %d bytes of %d left", len(rest), len(b))
			}
			if len(a.text) > len(b) {
				t.Fatalf("text of %d bytes out of %d", len(a.text), len(b))
			}
			b = rest
		}
	})
}
