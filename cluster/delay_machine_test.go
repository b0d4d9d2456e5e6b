package cluster_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/beaminit/beaminit/internal/machine"
)

// delay has all packets from and to a node come later, each way: its port leaves the switch,
// and a program carries what passes. The kernel of the tests need not have netem.
func (l *lan) delay(node int, each time.Duration) {
	l.t.Helper()
	script := filepath.Join(l.t.TempDir(), "late.py")
	l.nodes[node].Must(os.WriteFile(script, []byte(late), 0o644))
	machine.InNet(l.t, l.nodes[node].PID(), "python3 "+script+" whole eth0")
	machine.InNet(l.t, l.bridge, fmt.Sprintf("ip link add late0 type veth peer name late1 && python3 %s whole late1 && ip link set late0 up && ip link set late1 up master br0 && ip link set port%d nomaster", script, node))
	l.late = exec.Command("nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", l.bridge), "python3", script, "carry", fmt.Sprintf("port%d", node), "late0", fmt.Sprint(each.Seconds()))
	var said strings.Builder
	l.late.Stderr = &said
	l.nodes[node].Must(l.late.Start())
}

// undelay ends it.
func (l *lan) undelay(node int) {
	l.t.Helper()
	l.late.Process.Kill()
	l.late.Wait()
	machine.InNet(l.t, l.bridge, fmt.Sprintf("ip link delete late0; ip link set port%d master br0", node))
}

// late carries frames between two interfaces, a while after they came; or has an interface
// send whole packets of the size and with the checksum that they have on a wire
// (linux/ethtool.h: ETHTOOL_STXCSUM, STSO, SGSO, SSG).
const late = `
import sys, socket, select, collections, time, struct, fcntl, array
if sys.argv[1] == "whole":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for command in (0x1f, 0x24, 0x17, 0x19):
        value = array.array("B", struct.pack("II", command, 0))
        try:
            fcntl.ioctl(s, 0x8946, struct.pack("16sP", sys.argv[2].encode(), value.buffer_info()[0]))
        except OSError:
            pass
    sys.exit()
ends = []
for name in sys.argv[2:4]:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 3))
    ends.append(s)
wait, queue = float(sys.argv[4]), collections.deque()
while True:
    left = max(0, queue[0][0] - time.monotonic()) if queue else None
    for s in select.select(ends, [], [], left)[0]:
        frame, (_, _, kind, _, _) = s.recvfrom(65535)
        if kind != 4: # PACKET_OUTGOING: what was carried there
            queue.append((time.monotonic() + wait, ends[1 - ends.index(s)], frame))
    while queue and queue[0][0] <= time.monotonic():
        _, to, frame = queue.popleft()
        try:
            to.send(frame)
        except OSError:
            pass
`
