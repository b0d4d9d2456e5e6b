package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beaminit/beaminit/health"
	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/lan"
	"github.com/beaminit/beaminit/qemu/watch"
)

var update = flag.Bool("update", false, "write testdata anew")

// desk is a lab that stands still: three nodes of which one is cut off, and a console at which
// the test is the node.
type desk struct {
	status lab.Status
	did    []string
	node   net.Conn
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func newDesk() *desk {
	return &desk{status: lab.Status{
		At: noon, Uptime: 3 * time.Minute, Accel: "tcg", Kernel: "6.1.0", Image: "6.3 MB",
		LAN:     lan.Counters{Frames: 12, Bytes: 900, Cut: 3, Ports: 2},
		Traffic: []lan.Traffic{{From: "till", To: "store", Frames: 12}},
		Links:   []lan.Link{{From: "till", To: "store", Fault: lan.Fault{Loss: 0.2, Delay: time.Second}}},
		Nodes: []lab.NodeStatus{
			{Name: "till", Address: "192.168.7.6", State: health.Up, HasRecord: true, Erlang: "shop@till", Connected: 1, Peers: 1, Memory: 54 << 20,
				Phases: []health.Phase{{Name: "kernel", At: 1210 * time.Millisecond}}, Event: "</script><b>&amp;"},
			{Name: "store", State: health.Degraded, Cut: true, HasRecord: true, Peers: 1, Missing: []string{"till:unreachable"}, Faults: []string{"disk slow"}},
		},
		Events: []lab.Event{{At: noon, Node: "till", Text: "first"}, {At: noon.Add(time.Second), Node: "store", Text: "second"}},
	}}
}

func (d *desk) Status() (lab.Status, error) { return d.status, nil }

func (d *desk) Do(words ...string) error {
	if len(words) == 0 || words[0] == "cut" {
		return errors.New(`there is no node "nosuch"`)
	}
	d.did = append(d.did, strings.Join(words, " "))
	return nil
}

func (d *desk) Console(node string, _ int) ([]string, io.ReadWriteCloser, error) {
	if node != "till" {
		return nil, nil, errors.New("there is no node " + node)
	}
	port, conn := net.Pipe()
	d.node = conn
	return []string{"said before"}, port, nil
}

func (d *desk) Shell(string) (io.ReadWriteCloser, error) {
	return nil, errors.New("somebody sits there")
}

func (d *desk) Remsh(string) (io.ReadWriteCloser, error) { return nil, errors.New("it is off") }

func (d *desk) Verbs() []Verb { return []Verb{{"kill", "A", "power fails"}} }

func (d *desk) Scenarios() []string { return []string{"split"} }

func (d *desk) Play(name string) error {
	if name != "split" {
		return errors.New("there is no scenario " + name)
	}
	d.did = append(d.did, "plays "+name)
	return nil
}

func (d *desk) EndPlay() { d.did = append(d.did, "ends") }

const token = "OPENSESAME"

// asking sends a request with the right token, changed by change.
func asking(t *testing.T, server *httptest.Server, method, path, body string, change func(*http.Request)) (status int, said string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if change != nil {
		change(r)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.Header.Get("Content-Type") == "text/event-stream" {
		return answer.StatusCode, "", answer.Header
	}
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), answer.Header
}

func TestWhoMayAsk(t *testing.T) {
	d := newDesk()
	server := httptest.NewServer(newPage(d, token).handler())
	defer server.Close()
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	auth := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", value) }
	}
	kill := `["kill","till"]`
	for _, tt := range []struct {
		name, method, path, body string
		change                   func(*http.Request)
		want                     int
		says                     string
	}{
		{"the page", "GET", "/", "", auth(""), 200, "<title>beaminit lab"},
		{"a file of it", "GET", "/app.js", "", auth(""), 200, "import"},
		{"no list of files", "GET", "/nosuch", "", nil, 404, ""},
		{"pictures", "GET", "/status", "", nil, 200, ""},
		{"an ssh tunnel", "GET", "/status", "", host("localhost:9999"), 200, ""},
		{"another name of this machine", "GET", "/", "", host("evil.example"), 421, "only at 127.0.0.1"},
		{"its name with a port", "POST", "/do", kill, host("127.0.0.1.evil.example:80"), 421, ""},
		{"no token", "GET", "/status", "", auth(""), 401, "open the address"},
		{"no token, to do something", "POST", "/do", kill, auth(""), 401, ""},
		{"no token, for a console", "GET", "/console?node=till", "", auth("Basic OPENSESAME"), 401, ""},
		{"no token, to type", "POST", "/type", "{}", auth("Bearer OPENSESAM"), 401, ""},
		{"a token that is longer", "POST", "/do", kill, auth("Bearer " + token + "E"), 401, ""},
		{"the token in the address", "POST", "/do?token=" + token, kill, auth(""), 401, ""},
		{"done by GET", "GET", "/do", kill, nil, 404, ""},
		{"typed by GET", "GET", "/type", "", nil, 404, ""},
		{"done", "POST", "/do", kill, nil, 204, ""},
		{"refused", "POST", "/do", `["cut","nosuch"]`, nil, 422, "there is no node"},
		{"no words", "POST", "/do", "kill till", nil, 400, "not a request"},
		{"nothing at all", "POST", "/do", "[]", nil, 422, ""},
		{"far too much", "POST", "/do", `["` + strings.Repeat("x", maxBody) + `"]`, nil, 400, "too large"},
		{"no such node", "GET", "/console?node=nosuch", "", nil, 422, "there is no node"},
		{"a shell of one that is off", "GET", "/console?node=till&port=remsh", "", nil, 422, "it is off"},
		{"a scenario", "POST", "/play", `"split"`, nil, 204, ""},
		{"its end", "POST", "/play", `""`, nil, 204, ""},
		{"no such scenario", "POST", "/play", `"nosuch"`, nil, 422, "there is no scenario"},
		{"no token, for a scenario", "POST", "/play", `"split"`, auth(""), 401, ""},
		{"a port that is taken", "GET", "/console?node=till&port=shell", "", nil, 422, "somebody sits"},
		{"a console that is not open", "POST", "/type", `{"seat":"x","text":"y"}`, nil, 410, "not open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, said, header := asking(t, server, tt.method, tt.path, tt.body, tt.change)
			if status != tt.want || !strings.Contains(said, tt.says) {
				t.Errorf("got %d %q, want %d with %q", status, said, tt.want, tt.says)
			}
			if status != 421 && !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'") {
				t.Errorf("the policy is %q", header.Get("Content-Security-Policy"))
			}
		})
	}
	if got := strings.Join(d.did, ", "); got != "kill till, plays split, ends" {
		t.Errorf("done was %q, want \"kill till, plays split, ends\" and nothing else", got)
	}
}

// Nodes that are only watched have no buttons, and no way behind them.
func TestOnlyWatched(t *testing.T) {
	board := filepath.Join(t.TempDir(), "board")
	if err := os.WriteFile(board, []byte("Linux version 6.1\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	from, err := watch.Open(t.Context(), []string{board}, watch.Options{Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	p := newPage(from, token)
	server := httptest.NewServer(p.handler())
	defer server.Close()
	for path, method := range map[string]string{"/do": "POST", "/type": "POST", "/play": "POST", "/console?node=board&port=shell": "GET", "/console?node=board&port=remsh": "GET", "/console?node=nosuch": "GET"} {
		if status, said, _ := asking(t, server, method, path, `["heal"]`, nil); status != 404 && status != 405 && status != 422 {
			t.Errorf("%s %s: %d %s", method, path, status, said)
		}
	}
	if first, err := p.next(nil); err != nil || len(first.Verbs) > 0 || !first.Serial || !first.Heard {
		t.Errorf("got %+v (%v), want consoles and no verbs", first, err)
	}
	in, leave := listen(t, server, "/console?node=board")
	defer leave()
	next(t, in, "open")
	f, err := os.OpenFile(board, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprint(f, "beaminit: hello\r\n")
	for text := ""; text != "Linux version 6.1\r\nbeaminit: hello\r\n"; text += next(t, in, "text") {
		if len(text) > 100 {
			t.Fatalf("the console is %q", text)
		}
	}
}

// Serve is at 127.0.0.1 alone, and ends with its context.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	address, err := Serve(ctx, 0, newDesk())
	if err != nil || !regexp.MustCompile(`^http://127\.0\.0\.1:\d+/#token=[\w-]{22}$`).MatchString(address) {
		t.Fatalf("the address is %q (%v)", address, err)
	}
	site, secret, _ := strings.Cut(address, "#token=")
	if again, _ := Serve(ctx, 0, newDesk()); strings.HasSuffix(again, secret) {
		t.Error("two runs have one token")
	}
	if _, err := Serve(ctx, portOf(t, site), newDesk()); err == nil {
		t.Error("a port that is taken is taken again")
	}
	cancel()
	nstest.Await(t, "nobody listens", func() bool {
		conn, err := net.Dial("tcp", strings.Trim(site, "htp:/"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, func() string { return site })
}

func portOf(t *testing.T, site string) int {
	t.Helper()
	addr, err := net.ResolveTCPAddr("tcp", strings.Trim(site, "htp:/"))
	if err != nil {
		t.Fatal(err)
	}
	return addr.Port
}

// The first picture has all, those that follow only what is new.
func TestPictures(t *testing.T) {
	d := newDesk()
	p := newPage(d, token)
	p.past.note(d.status)
	first, err := p.next(nil)
	if err != nil {
		t.Fatal(err)
	}
	first.Xterm = ""
	got, err := json.MarshalIndent(first, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "picture.json")
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != string(got)+"\n" {
		t.Errorf("the picture (%v) is\n%s\nwant %s; go test ./web -update writes it", err, got, file)
	}

	d.status.At = noon.Add(2 * time.Second)
	d.status.Nodes[1].State = health.Down
	d.status.Events = append(d.status.Events, lab.Event{At: noon.Add(2 * time.Second), Node: "store", Text: "third"})
	p.past.note(d.status)
	second, err := p.next(first)
	if err != nil || second.First || len(second.Verbs) > 0 || len(second.Events) != 1 || second.Events[0].Text != "third" || len(second.Past) != 1 || second.Past[0].State != health.Down {
		t.Errorf("the second picture is %+v (%v)", second, err)
	}
	if third, err := p.next(second); err != nil || len(third.Events)+len(third.Past) != 0 {
		t.Errorf("the third picture is %+v (%v)", third, err)
	}
}

// What a node says reaches no terminal as a command; what is typed reaches the node.
func TestConsole(t *testing.T) {
	d := newDesk()
	server := httptest.NewServer(newPage(d, token).handler())
	defer server.Close()
	in, leave := listen(t, server, "/console?node=till")
	seat := next(t, in, "open")
	if got := next(t, in, "text"); got != "said before\r\n" {
		t.Errorf("the past is %q", got)
	}
	go d.node.Write([]byte("\x1b]0;title\x07\x1b[31mred\n\ndata: \x9b5n"))
	if got, want := next(t, in, "text"), "?]0;title\a\x1b[31mred\n\ndata: ?5n"; got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
	typed := make(chan string)
	go func() {
		buf := make([]byte, 100)
		n, _ := d.node.Read(buf)
		typed <- string(buf[:n])
	}()
	keys, _ := json.Marshal(map[string]string{"seat": seat, "text": "ls\r"})
	if status, said, _ := asking(t, server, "POST", "/type", string(keys), nil); status != 204 {
		t.Errorf("typing: %d %s", status, said)
	}
	if got := <-typed; got != "ls\r" {
		t.Errorf("the node got %q", got)
	}
	leave()
	nstest.Await(t, "the seat is left", func() bool {
		status, _, _ := asking(t, server, "POST", "/type", string(keys), nil)
		return status == 410
	}, func() string { return seat })
}

// listen reads a stream of events, for a while at most.
func listen(t *testing.T, server *httptest.Server, path string) (in *bufio.Reader, leave func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return bufio.NewReader(answer.Body), func() {
		cancel()
		answer.Body.Close()
	}
}

// next reads the next event, which has this name, and gives its data.
func next(t *testing.T, in *bufio.Reader, name string) (data string) {
	t.Helper()
	var lines [3]string
	for i := range lines {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("%v behind %q", err, lines)
		}
		lines[i] = strings.TrimSuffix(line, "\n")
	}
	if lines[0] != "event: "+name {
		t.Fatalf("got %q, want %s", lines, name)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[1], "data: ")), &data); err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	return data
}

// The page loads nothing from elsewhere, and has no markup made of text.
func TestFiles(t *testing.T) {
	never := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\bon[a-z]+="|style="|(src|href)="?https?:|@import`)
	err := fs.WalkDir(files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "xterm/") {
			return err
		}
		text, err := fs.ReadFile(files(), path)
		if found := never.FindString(string(text)); found != "" {
			t.Errorf("%s has %s", path, found)
		}
		if lines := strings.Count(string(text), "\n"); lines > 250 {
			t.Errorf("%s has %d lines", path, lines)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
