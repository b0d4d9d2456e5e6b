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

	"github.com/beaminit/beaminit/internal/nstest"
	"github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/scenario"
	"github.com/beaminit/beaminit/qemu/web"
)

var updatePicture = flag.Bool("update-picture", false, "take docs/lab.png anew")

// seesPage looks at a lab that runs as a person does with make watch WEB=1 and a browser.
func seesPage(t *testing.T, l *lab.Lab) {
	address, end := watchPage(t, l)
	b := open(t, address)
	b.sees("three nodes are up", `document.querySelectorAll('.node[data-kind=good]').length === 3 && document.getElementById('verdict').textContent.includes('3 of 3 up')`)
	for _, v := range lab.Verbs() {
		if !b.is(fmt.Sprintf(`document.querySelector('[data-verb=%[1]s], #verb option[value=%[1]s]') !== null`, v.Name)) {
			t.Errorf("%s has no button", v.Name)
		}
	}

	b.sees("packets a second", `[...document.querySelectorAll('.labels span')].some((e) => /^\d.*\/s$/.test(e.textContent))`)
	b.sleeps()
	b.accessible()
	b.presses(`.node[data-node=eclero10]`)
	b.sees("a node chosen by the keyboard", `document.getElementById('h-chosen').textContent === 'eclero10'`)
	b.click(`#chosen [data-verb=isolate]`)
	b.sees("eclero10 is red at once", `document.querySelector('.node[data-node=eclero10]').dataset.kind === 'bad' && document.querySelectorAll('line.cut').length === 2`)
	b.sees("it is read out", `/eclero\d+ is degraded, misses eclero10|done: isolate eclero10/.test(document.getElementById('said').textContent)`)
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
	b.remsh()
	b.begins()
	b.evil(t, l)
	b.scenarios(t, l)
	b.click(`.node[data-node=eclero8]`)
	b.click(`#chosen [data-verb=kill]`)
	b.sees("a node that is off", `document.querySelector('.node[data-node=eclero8]').textContent.includes('off')`)
	b.click(`#chosen [data-verb=start]`)
	b.sees("whole once more", `document.getElementById('verdict').textContent.startsWith('✓ whole')`)
	b.complains()

	end()
	b.sees("that the lab does not answer", `document.getElementById('trouble').textContent.startsWith('The lab does not answer') && !document.getElementById('trouble').hidden`)
	address, _ = watchPage(t, l)
	stranger := open(t, strings.Split(address, "#")[0])
	stranger.sees("a page without its token", `document.getElementById('trouble').textContent.includes('open the address that the lab has printed') && document.querySelector('.node') === null`)
}

// watchPage runs "lab watch -web" on the lab, and gives the address that it prints, and what
// ends it before the test does.
func watchPage(t *testing.T, l *lab.Lab) (address string, end func()) {
	t.Helper()
	cmd := exec.Command(labBin, "watch", "-web", "-dir", l.Dir())
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("lab watch -web ended with %v", err)
		}
	})
	t.Cleanup(end)
	line, err := bufio.NewReader(said).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(line), "page: ")
	if !found || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("lab watch -web says %q (%v)", line, err)
	}
	return address, end
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
	dir, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(patience), chromedp.UserDataDir(dir), chromedp.Env("TMPDIR="+dir))
	ctx, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		inTime, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := chromedp.Cancel(inTime); err != nil { // closes it in order
			t.Logf("chromium ended with %v", err)
		}
		end()
		nstest.Await(t, "nothing of chromium is left", func() bool { return os.RemoveAll(dir) == nil }, func() string { return dir })
	})
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
	ctx, cancel := context.WithTimeout(b.ctx, patience)
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
	err := chromedp.Run(b.ctx, chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(50*time.Millisecond)))
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

// presses chooses a button by the Enter key.
func (b *browser) presses(selector string) {
	b.t.Helper()
	b.do(chromedp.Focus(selector, chromedp.ByQuery), chromedp.KeyEvent("\r"))
}

// sleeps hides the tab, as when another is looked at, and shows it again.
func (b *browser) sleeps() {
	b.t.Helper()
	hide := `Object.defineProperty(document, 'hidden', { value: %v, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); window.before = document.getElementById('facts').textContent; 0`
	b.do(chromedp.Evaluate(fmt.Sprintf(hide, true), nil), chromedp.Evaluate(fmt.Sprintf(hide, false), nil))
	b.sees("a page that goes on", `document.getElementById('facts').textContent !== window.before && document.getElementById('trouble').hidden`)
}

// labelled looks for what a screen reader has no name for.
func (b *browser) labelled() {
	b.t.Helper()
	var nameless []string
	b.do(chromedp.Evaluate(`[...document.querySelectorAll('button, input, select, section, [tabindex="0"], [role=group], progress')]
		.filter((e) => !(e.labels?.length || e.ariaLabel || document.getElementById(e.getAttribute('aria-labelledby'))?.textContent || e.matches('button') && e.textContent.trim()))
		.map((e) => e.outerHTML)`, &nameless))
	for _, e := range nameless {
		b.t.Errorf("a screen reader has no name for %s", e)
	}
}

// evil has a release say markup, which the page has to show as it is.
func (b *browser) evil(t *testing.T, l *lab.Lab) {
	t.Helper()
	const markup = `<img id=evil src=x onerror=document.title=1><script id=evil2></script>`
	rpc(t, l, l.Nodes()[0], `io:put_chars(user, "`+markup+`\n")`)
	b.sees("markup as text", fmt.Sprintf(`document.querySelector('#time ol').textContent.includes(%q) && document.querySelector('#evil, #evil2') === null`, markup))
}

// scenarios plays one that comes true and one that does not.
func (b *browser) scenarios(t *testing.T, l *lab.Lab) {
	t.Helper()
	for text, want := range map[string]string{
		"scenario All is well\nexpect all whole within 1m\ndo heal": `✓ do heal`,
		"scenario It is not\nexpect all off within 1ms\ndo heal":    `✕ expect all off within 1ms: not within 1ms: eclero6 has state=up`,
	} {
		f, err := scenario.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		scenario.Play(t.Context(), onLab{l}, f, func(string) {})
		b.sees(f.Name, fmt.Sprintf(`document.getElementById('h-scenario').textContent === 'Scenario: ' + %q && document.querySelector('#scenario ol').textContent.includes(%q)`, f.Name, want))
	}
}

// sits opens the serial console of a node, and calculates in the Erlang shell at its second
// port.
func (b *browser) sits() {
	b.t.Helper()
	b.click(`[data-port=serial]`)
	b.sees("an open console", `document.querySelector('#console .screen').textContent.includes('beaminit: health v=1')`)
	if b.is(`document.querySelector('#console .xterm') !== null`) != web.HasTerminal() {
		b.t.Errorf("the console is an xterm.js: %v, want %v", !web.HasTerminal(), web.HasTerminal())
	}
	b.click(`[data-port=shell]`)
	b.sees("the second port", `document.querySelector('#console .buttons span').textContent.startsWith('second port of eclero10 is open')`)
	b.do(chromedp.KeyEvent("\r6*7+2.\r"))
	b.sees("a sum", `/6\*7\+2\.\s+44/.test(document.querySelector('#console .screen').innerText)`)
	b.picture("console")
	b.closes()
}

func (b *browser) closes() {
	b.t.Helper()
	b.click(`#console .buttons .close`)
	b.sees("a closed console", `document.querySelector('#console .buttons span').textContent === 'closed'`)
}

// remsh calculates in the Erlang shell of a node that has none at a port.
func (b *browser) remsh() {
	b.t.Helper()
	b.click(`[data-port=remsh]`)
	b.sees("the prompt of its shell", `document.querySelector('#console .screen').innerText.includes('(eclero@eclero10)1>')`)
	b.do(chromedp.KeyEvent("6*7+3.\r"))
	b.sees("a sum of the node's", `/6\*7\+3\.\s+45/.test(document.querySelector('#console .screen').innerText)`)
	b.closes()
}

// begins has the page begin a scenario, and ends it.
func (b *browser) begins() {
	b.t.Helper()
	b.do(chromedp.SetValue("#which", "cut-and-heal", chromedp.ByQuery))
	b.click(`#scenario .play`)
	b.sees("a scenario that runs", `document.querySelector('#scenario li[data-kind=good]') !== null && document.querySelector('#scenario .play').disabled`)
	b.click(`#scenario .end`)
	b.sees("its end", `document.querySelector('#scenario li[data-kind=bad]')?.textContent.endsWith('it was ended')`)
	b.click(`#links [data-verb=heal]`)
	b.sees("all is whole after it", `document.getElementById('verdict').textContent.startsWith('✓ whole: 3 of 3 up')`)
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
		b.picture(p.name)
	}
	if *updatePicture {
		var picture []byte
		b.do(chromedp.CaptureScreenshot(&picture))
		write(b.t, "../../docs/lab.png", picture)
	}
}

// picture takes one of the whole page, for who wants to see what the test saw.
func (b *browser) picture(name string) {
	b.t.Helper()
	var all []byte
	b.do(chromedp.FullScreenshot(&all, 100))
	write(b.t, filepath.Join(buildDir, "page-"+name+".png"), all)
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Error(err)
	}
}
