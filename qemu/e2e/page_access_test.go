package e2e

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// accessible looks at the page as those do who have no mouse, no eyes, or weak ones.
func (b *browser) accessible() {
	b.t.Helper()
	b.labelled()
	b.named()
	b.tabs()
	b.contrast()
	for selector, want := range map[string]string{
		"#said[aria-live=polite]": "what changes is read out", "#trouble[role=alert]": "trouble is read out at once", ".outcome[role=alert]": "what the lab refuses is read out",
		"#console [role=status]": "what a console does is read out", "main": "there is a main part", "html[lang]": "the language is told", ".skip": "the way past the graph is short",
	} {
		if !b.is(`document.querySelector('` + selector + `') !== null`) {
			b.t.Errorf("there is no %s, by which %s", selector, want)
		}
	}
}

// controls are the roles of what can be worked with (WAI-ARIA, widget roles).
var controls = map[string]bool{"button": true, "link": true, "combobox": true, "listbox": true, "textbox": true, "checkbox": true, "progressbar": true, "region": true, "group": true}

// axText is an AXValue of Chrome's protocol.
type axText struct {
	Value any `json:"value"`
}

// named asks the browser's own tree for screen readers for controls without a name.
func (b *browser) named() {
	b.t.Helper()
	var tree struct {
		Nodes []struct {
			NodeID  string `json:"nodeId"`
			Ignored bool   `json:"ignored"`
			Role    axText `json:"role"`
			Name    axText `json:"name"`
		} `json:"nodes"`
	}
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		return cdp.Execute(ctx, "Accessibility.getFullAXTree", nil, &tree)
	}))
	seen := map[string]int{}
	for _, n := range tree.Nodes {
		role := fmt.Sprint(n.Role.Value)
		if n.Ignored || !controls[role] {
			continue
		}
		seen[role]++
		if n.Name.Value == nil || strings.TrimSpace(fmt.Sprint(n.Name.Value)) == "" {
			b.t.Errorf("a screen reader has no name for a %s (node %s)", role, n.NodeID)
		}
	}
	for _, role := range []string{"button", "combobox", "checkbox", "region"} {
		if seen[role] == 0 {
			b.t.Errorf("a screen reader sees no %s at all: %v", role, seen)
		}
	}
}

// tabs goes through the page by the Tab key: each control is reached, in the order in which it
// is read, and shows that it has the focus.
func (b *browser) tabs() {
	b.t.Helper()
	b.do(chromedp.Evaluate(`window.order = [...document.querySelectorAll('a[href], button, select, input, [tabindex="0"]')].filter((e) => !e.disabled && e.checkVisibility());
		document.activeElement.blur(); window.scrollTo(0, 0); window.got = []; window.bare = [];
		document.addEventListener('focusin', window.noted = (event) => {
			window.got.push(event.target);
			const style = getComputedStyle(event.target);
			if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) window.bare.push(event.target.outerHTML);
		}); window.order.length`, new(int)))
	var n int
	b.do(chromedp.Evaluate(`window.order.length`, &n))
	for range n {
		b.do(chromedp.KeyEvent("\t"))
	}
	var missed, bare []string
	b.do(chromedp.Evaluate(`document.removeEventListener('focusin', window.noted);
		window.order.filter((e, i) => window.got[i] !== e && e.checkVisibility()).map((e) => e.outerHTML.slice(0, 120))`, &missed), chromedp.Evaluate(`window.bare`, &bare))
	if len(missed) > 0 {
		b.t.Errorf("by the Tab key these are not reached in their order: %q", missed)
	}
	for _, e := range bare {
		b.t.Errorf("it does not show that it has the focus: %s", e)
	}
}

// contrast looks for text that stands out too little: 4.5 to 1 is the least (WCAG 2.2, 1.4.3).
// What cannot be pressed is not meant.
func (b *browser) contrast() {
	b.t.Helper()
	for _, scheme := range []string{"dark", "light"} {
		b.do(emulate(scheme))
		var weak []string
		b.do(chromedp.Evaluate(weakText, &weak))
		for _, w := range weak {
			b.t.Errorf("%s: %s", scheme, w)
		}
	}
}

const weakText = `(() => {
	const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
	const rgb = (colour) => {
		probe.clearRect(0, 0, 1, 1);
		probe.fillStyle = colour;
		probe.fillRect(0, 0, 1, 1);
		return [...probe.getImageData(0, 0, 1, 1).data];
	};
	const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => {
		const v = c[i] / 255;
		return sum + part * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	}, 0);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = rgb(getComputedStyle(e).backgroundColor);
			if (c[3] === 255) return c;
		}
		return [255, 255, 255, 255];
	};
	const weak = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || !e.checkVisibility() || e.closest(':disabled, .vh, .skip, option, .screen, .lane i, script, noscript, style')) continue;
		const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < 4.5) weak.add(walk.currentNode.data.trim().slice(0, 40) + ' (' + e.tagName + ' ' + e.className + ') is ' + ratio.toFixed(2) + ' to 1');
	}
	return [...weak];
})()`
