// Package web is the room of the page: what the table shows, in a browser, with buttons for
// what can be done to a lab. It reads what the table reads; nothing else knows of it.
//
// Whoever has the address that Serve gives may do what a person at the terminal may. So it
// listens on 127.0.0.1 only, the token in that address is new for each run, and everything
// but the page's own files asks for it, in a header that no other site can send.
package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/base64"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/beaminit/beaminit/qemu/watch"
)

// Source is what there is to show: a lab, or serial lines.
type Source interface {
	Status() (watch.Status, error)
}

// Listener is a Source whose consoles can be heard: then the page has them.
type Listener interface {
	Source
	Console(node string, lines int) (last []string, stream io.ReadWriteCloser, err error)
}

// Driver is a Listener that something can be done to: then the page has buttons, and what is
// typed goes to the consoles.
type Driver interface {
	Listener
	Verbs() []Verb
	Do(words ...string) error

	Shell(node string) (stream io.ReadWriteCloser, err error) // the second serial port
	Remsh(node string) (stream io.ReadWriteCloser, err error) // a shell of its Erlang

	Scenarios() []string    // that can be played on it
	Play(name string) error // begins one
	EndPlay()               // ends it, where one is played
}

// Verb is something that can be done, for a button.
type Verb struct {
	Name string `json:"name"`
	Args string `json:"args"`
	Help string `json:"help"`
}

// static are the page's files. make puts xterm.js beside them, from npm; without it the
// consoles are plain text.
//
//go:embed static
var static embed.FS

// files are those in static.
func files() fs.FS {
	sub, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // only an invalid name is an error
	}
	return sub
}

// page answers the requests.
type page struct {
	from     Source
	listener Listener // nil: there are no consoles
	driver   Driver   // nil: there is nothing to be done to it
	token    string
	past     *past
	seats    seats
}

// Serve shows a source at a port of 127.0.0.1 (0: one that is free) until the context ends,
// and gives the address for a browser, with the token. Its error is that of the port.
func Serve(ctx context.Context, port int, from Source) (address string, err error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", err
	}
	p := newPage(from, random())
	go p.past.keep(ctx, from)
	server := &http.Server{
		Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { server.Close() })
	go server.Serve(listener)
	return "http://" + listener.Addr().String() + "/#token=" + p.token, nil
}

func newPage(from Source, token string) *page {
	listener, _ := from.(Listener)
	driver, _ := from.(Driver)
	return &page{from: from, listener: listener, driver: driver, token: token, past: newPast()}
}

// random gives 128 bits that nobody can guess.
func random() string {
	var b [16]byte
	rand.Read(b[:]) // never an error, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (p *page) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", index)
	mux.Handle("GET /", http.FileServerFS(files()))
	mux.HandleFunc("GET /status", p.asked(p.status))
	if p.listener != nil {
		mux.HandleFunc("GET /console", p.asked(p.console))
	}
	if p.driver != nil {
		mux.HandleFunc("POST /do", p.asked(p.do))
		mux.HandleFunc("POST /type", p.asked(p.typed))
		mux.HandleFunc("POST /play", p.asked(p.play))
	}
	return guard(mux)
}

// asked lets a request through that has the token.
func (p *page) asked(then http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte("Bearer " + p.token))
	return func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			http.Error(w, "the token is not that of this run: open the address that the lab has printed", http.StatusUnauthorized)
			return
		}
		then(w, r)
	}
}

// guard refuses requests under other names than this machine's own, with which a site that
// has its name point here would come (DNS rebinding), and tells the browser to load and to
// ask nothing but what comes from here.
func guard(then http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "127.0.0.1" && host != "localhost" {
			http.Error(w, "this page is only at 127.0.0.1", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy+"; style-src 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		then.ServeHTTP(w, r)
	})
}

const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// index gives the page itself. xterm.js makes itself style elements: they carry a nonce,
// which is new each time.
func index(w http.ResponseWriter, _ *http.Request) {
	text, err := fs.ReadFile(files(), "index.html")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	nonce := random()
	w.Header().Set("Content-Security-Policy", policy+"; style-src 'self' 'nonce-"+nonce+"'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(bytes.ReplaceAll(text, []byte("NONCE"), []byte(nonce)))
}

// HasTerminal tells whether xterm.js was there when this program was built.
func HasTerminal() bool {
	_, err := fs.Stat(files(), strings.TrimPrefix(xterm, "/"))
	return err == nil
}

const xterm = "/xterm/xterm.mjs"
