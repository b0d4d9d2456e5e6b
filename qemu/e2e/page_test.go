package e2e

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/beaminit/beaminit/qemu/lab"
)

var updatePicture = flag.Bool("update-picture", false, "take docs/lab.png anew")

// pagePatience is how long the page may take to show what the nodes have said: they need
// seconds to notice that one is away.
const pagePatience = 2 * time.Minute

// seesPage looks at a lab that runs as a person does with make watch WEB=1 and a browser.
func seesPage(t *testing.T, l *lab.Lab) {
	b := open(t, watchPage(t, l))
	b.sees("three nodes are up", `document.querySelectorAll('.node[data-kind=good]').length === 3 && document.getElementById('verdict').textContent.includes('3 of 3 up')`)
	for _, v := range lab.Verbs() {
		if !b.is(fmt.Sprintf(`document.querySelector('[data-verb=%[1]s], #verb option[value=%[1]s]') !== null`, v.Name)) {
			t.Errorf("%s has no button", v.Name)
		}
	}

	b.click(`.node[data-node=eclero10]`)
	b.click(`#chosen [data-verb=isolate]`)
	b.sees("eclero10 is red at once", `document.querySelector('.node[data-node=eclero10]').dataset.kind === 'bad' && document.querySelectorAll('line.cut').length === 2`)
	b.sees("the two others miss it", `['eclero6', 'eclero8'].every((n) => document.querySelector('#nodes tr[data-node=' + n + ']').textContent.includes('−eclero10'))`)
	b.sees("the matrix says so too", `document.querySelectorAll('#matrix td[data-kind=bad]').length === 4`)
	b.chooses("loss", "eclero6", "eclero8", "20%")
	b.sees("a loss between two", `document.querySelector('#links ul').textContent.includes('eclero6 ↔ eclero8: loss 20%') && document.querySelectorAll('line.faulty').length === 1`)
	b.looks()
	b.chooses("loss", "eclero6", "eclero8", "120%")
	b.sees("what the lab has against it", `document.querySelector('.outcome').textContent.includes('from 0% to 100%')`)

	b.click(`#links [data-verb=heal]`)
	b.sees("all is whole again", `document.getElementById('verdict').textContent.startsWith('✓ whole: 3 of 3 up') && document.querySelectorAll('line.good').length === 3`)
	b.sits()
	b.click(`.node[data-node=eclero8]`)
	b.click(`#chosen [data-verb=kill]`)
	b.sees("a node that is off", `document.querySelector('.node[data-node=eclero8]').textContent.includes('off')`)
	b.click(`#chosen [data-verb=start]`)
	b.sees("whole once more", `document.getElementById('verdict').textContent.startsWith('✓ whole')`)
	b.complains()
}

// watchPage runs "lab watch -web" on the lab, and gives the address that it prints.
func watchPage(t *testing.T, l *lab.Lab) string {
	t.Helper()
	cmd := exec.Command(labBin, "watch", "-web", "-dir", l.Dir())
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("lab watch -web ended with %v", err)
		}
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(line), "page: ")
	if !found || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("lab watch -web says %q (%v)", line, err)
	}
	return address
}

// browser is a real one, with the page open.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	errors []string // that the page has made
}

// open opens an address in chromium.
func open(t *testing.T, address string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: make deps installs it", err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(pagePatience), chromedp.UserDataDir(t.TempDir()))
	ctx, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	b := &browser{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, b.event)
	b.do(log.Enable(), emulate("light"), chromedp.EmulateViewport(1180, 850), chromedp.Navigate(address))
	return b
}

// event notes errors of scripts, of files and of the policy of what may be loaded.
func (b *browser) event(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			b.errors = append(b.errors, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			b.errors = append(b.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// complains tells of the page's errors: what the lab refuses (422) is one for the browser, too.
func (b *browser) complains() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.errors {
		if !strings.Contains(e, "422") {
			b.t.Errorf("an error of the page: %s", e)
		}
	}
}

func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	// The first Run starts the browser, which lives as long as its context.
	if chromedp.FromContext(b.ctx).Target == nil {
		if err := chromedp.Run(b.ctx); err != nil {
			b.t.Fatalf("chromium: %v", err)
		}
	}
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.fail(err)
	}
}

// fail ends the test with what is on the page.
func (b *browser) fail(err error) {
	b.t.Helper()
	var text string
	chromedp.Run(b.ctx, chromedp.Evaluate(`document.body.innerText`, &text))
	b.complains()
	b.t.Fatalf("%v; on the page:\n%s", err, text)
}

func (b *browser) is(expression string) (is bool) {
	b.t.Helper()
	b.do(chromedp.Evaluate(expression, &is))
	return is
}

// sees waits until an expression is true on the page.
func (b *browser) sees(what, expression string) {
	b.t.Helper()
	begun := time.Now()
	err := chromedp.Run(b.ctx, chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(pagePatience), chromedp.WithPollingInterval(50*time.Millisecond)))
	if err != nil {
		b.fail(errors.Join(fmt.Errorf("not seen: %s", what), err))
	}
	b.t.Logf("%s after %.1f s", what, time.Since(begun).Seconds())
}

// click presses a button with the mouse, when it can be pressed.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitEnabled(selector, chromedp.ByQuery), chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
}

// chooses fills the form of faults between two nodes in, and sends it by the Enter key.
func (b *browser) chooses(verb, from, to, value string) {
	b.t.Helper()
	for id, v := range map[string]string{"verb": verb, "from": from, "to": to} {
		b.do(chromedp.SetValue("#"+id, v, chromedp.ByQuery))
	}
	b.do(chromedp.Evaluate(`document.getElementById('verb').dispatchEvent(new Event('change'))`, nil),
		chromedp.SetValue("#value", value, chromedp.ByQuery), chromedp.SendKeys("#value", "\r", chromedp.ByQuery))
}

// sits types in the console of a node, which the kernel answers with nothing: that the
// console takes the keys and shows what comes is seen by a record.
func (b *browser) sits() {
	b.t.Helper()
	b.click(`[data-port=serial]`)
	b.sees("an open console", `document.querySelector('#console .screen').textContent.includes('beaminit: health v=1')`)
	b.do(chromedp.KeyEvent("x"))
	b.click(`#console .buttons button:nth-of-type(3)`)
	b.sees("a closed console", `document.querySelector('#console .buttons span').textContent === 'closed'`)
}

func emulate(scheme string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}})
}

// looks takes pictures of the page: dark, light and at the width of a phone, where nothing is
// wider than the screen.
func (b *browser) looks() {
	b.t.Helper()
	for _, p := range []struct {
		name, scheme  string
		width, height int64
	}{{"dark", "dark", 1180, 850}, {"phone", "light", 360, 740}, {"light", "light", 1180, 850}} {
		b.do(chromedp.EmulateViewport(p.width, p.height), emulate(p.scheme))
		var wide, back string
		b.do(chromedp.Evaluate(`String(document.documentElement.scrollWidth)`, &wide), chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &back))
		if wide != fmt.Sprint(p.width) {
			b.t.Errorf("%s: the page is %s wide on a screen of %d", p.name, wide, p.width)
		}
		if dark := strings.HasPrefix(back, "rgb(1"); dark != (p.scheme == "dark") {
			b.t.Errorf("%s: the page is %s", p.name, back)
		}
		var picture, all []byte
		b.do(chromedp.CaptureScreenshot(&picture), chromedp.FullScreenshot(&all, 100))
		write(b.t, filepath.Join(buildDir, "page-"+p.name+".png"), all)
		if p.name == "light" && *updatePicture {
			write(b.t, "../../docs/lab.png", picture)
		}
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Error(err)
	}
}
