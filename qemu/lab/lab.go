package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beaminit/beaminit/qemu/image"
	"github.com/beaminit/beaminit/qemu/lan"
	"github.com/beaminit/beaminit/qemu/watch"
)

// Lab is a running lab.
type Lab struct {
	Switch  *lan.Switch
	opts    Options
	kvm     bool
	nodes   []*Node
	spawn   *spawner
	lock    *os.File
	pcap    *os.File
	sniffed <-chan struct{} // closed when all of it is written
	begun   time.Time
	size    string // of the image, for people
	closed  atomic.Bool
	done    chan struct{} // closed when Close is done

	mu      sync.Mutex
	events  []Event
	play    *Playing // not changed, only replaced
	closers []func() // called by Close, after the machines are gone
}

// Up starts a lab: the switch, and the machines of all nodes. It returns when they
// run, which is before they are up: WaitWhole waits for that. If ctx ends, the lab is
// closed.
func Up(ctx context.Context, o Options) (*Lab, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	run := RunDir(o.Dir)
	if err := os.MkdirAll(run, 0o755); err != nil {
		return nil, err
	}
	lock, err := takeLock(run)
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Switch: lan.NewSwitch(),
		opts:   o,
		size:   image.Size(o.Image.Root),
		kvm:    !o.TCG && haveKVM(),
		spawn:  newSpawner(),
		lock:   lock,
		begun:  time.Now(),
		done:   make(chan struct{}),
	}
	if err := errors.Join(tidy(run, lock, o.Say), noteLock(lock), l.up(run)); err != nil {
		l.Close()
		return nil, err
	}
	context.AfterFunc(ctx, l.Close)
	return l, nil
}

func (l *Lab) up(run string) error {
	for i, on := range l.opts.LANs {
		if err := l.listen(i, on); err != nil {
			return err
		}
	}
	var err error
	if l.opts.Pcap {
		l.pcap, err = os.Create(filepath.Join(run, "lan.pcapng"))
		if err != nil {
			return err
		}
		_, l.sniffed = l.Switch.Sniff(l.pcap)
	}
	if l.opts.As == AsNS {
		if err := l.allowNeighbours(); err != nil {
			return err
		}
	}
	cookie, err := image.Cookie(filepath.Join(l.opts.Dir, "cookie"))
	if err != nil {
		return err
	}
	for _, s := range l.opts.Nodes {
		n, err := l.newNode(run, s, cookie)
		if err != nil {
			return err
		}
		l.nodes = append(l.nodes, n)
	}
	return l.startAll()
}

// listen lets others onto a LAN.
func (l *Lab) listen(i int, on LANSpec) error {
	path := LANSocket(l.opts.Dir, i)
	guests, err := l.Switch.Listen(path, on.Name)
	if err != nil {
		return err
	}
	l.onClose(func() {
		os.Remove(path)
		guests.Close()
	})
	return nil
}

// startAll starts all nodes that are not to be off, at once.
func (l *Lab) startAll() error {
	errs := make([]error, len(l.nodes))
	var wg sync.WaitGroup
	for i, n := range l.nodes {
		if n.Spec.Off {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = n.Start()
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (l *Lab) newNode(run string, s NodeSpec, cookie string) (*Node, error) {
	n := &Node{
		Spec:    s,
		lab:     l,
		place:   len(l.nodes),
		secrets: map[string]string{"cookie": cookie},
		dir:     filepath.Join(run, s.Name),
		disk:    filepath.Join(l.opts.Dir, "data", s.Name),
	}
	if l.opts.As != AsNS {
		n.disk += ".ext4"
	}
	if !s.NoNIC {
		n.cards = s.cards(l.opts.LANs)
	}
	n.view.Interval = l.opts.Interval
	if key := l.opts.HealthKey; key != nil {
		n.view.Key, n.secrets[healthKey] = key, string(key)
	}
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return nil, err
	}
	if err := n.makeDisk(); err != nil {
		return nil, err
	}
	con, err := watch.NewConsole(filepath.Join(n.dir, "console.log"))
	n.con = con
	return n, err
}

// Close ends all machines and the switch. It may be called more than once.
func (l *Lab) Close() {
	if l.closed.Swap(true) {
		<-l.done
		return
	}
	var wg sync.WaitGroup
	for _, n := range l.nodes {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n.Kill()
		}() // that it was off already is no error here
	}
	wg.Wait()
	l.mu.Lock()
	closers := l.closers
	l.mu.Unlock()
	for _, f := range closers {
		f()
	}
	l.Switch.Close()
	l.spawn.close()
	if l.sniffed != nil {
		<-l.sniffed
		l.pcap.Close()
	}
	releaseLock(l.lock)
	close(l.done)
}

// Closed tells whether Close was called.
func (l *Lab) Closed() bool { return l.closed.Load() }

func (l *Lab) onClose(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closers = append(l.closers, f)
}

// Begun is when the lab was started.
func (l *Lab) Begun() time.Time { return l.begun }

// Nodes gives all nodes in their order.
func (l *Lab) Nodes() []*Node { return l.nodes }

// Node gives the node of that name.
func (l *Lab) Node(name string) (*Node, error) {
	for _, n := range l.nodes {
		if n.Spec.Name == name {
			return n, nil
		}
	}
	return nil, l.named().node(name)
}

// Dir is the directory of the lab.
func (l *Lab) Dir() string { return l.opts.Dir }

// LANSocket is the path at which others get onto a LAN of the lab in dir (lan.Dial), by its place among them.
func LANSocket(dir string, place int) string {
	if place == 0 {
		return filepath.Join(RunDir(dir), "lan.sock")
	}
	return filepath.Join(RunDir(dir), fmt.Sprintf("lan%d.sock", place))
}

// WaitWhole waits until every node is up and connected to all others. Its error tells of
// the first node that is not.
func (l *Lab) WaitWhole(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := l.Status()
		if err != nil || s.Whole() {
			return err
		}
		select {
		case <-ctx.Done():
			for i, n := range s.Nodes {
				if !s.WholeNode(n) {
					return l.nodes[i].failed(fmt.Sprintf("is %s and not up with all its peers", n.State), ctx.Err())
				}
			}
		case <-tick.C:
		}
	}
}

func (l *Lab) event(node, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, Event{At: time.Now(), Node: node, Text: text})
	l.events = l.events[max(0, len(l.events)-watch.KeptEvents):]
}

// Said gives the lines of a node's console behind the first seen of them, as far as they are
// kept, and how many there have been.
func (l *Lab) Said(node string, seen int) (lines []string, total int, err error) {
	n, err := l.Node(node)
	if err != nil {
		return nil, 0, err
	}
	lines, total, _ = n.con.After(seen)
	return lines, total, nil
}

// Log gives the last lines of a node's console.
func (l *Lab) Log(node string, lines int) ([]string, error) {
	n, err := l.Node(node)
	if err != nil {
		return nil, err
	}
	return n.Tail(lines), nil
}
