// A serial port of a node: with xterm.js where it was built in, as plain text where not.
// What a node says has come through the lab's filter: of a terminal's commands only those
// that a line editor needs are left.

import { post, stream } from './api.js';
import { el, text } from './dom.js';

const section = document.getElementById('console');
const buttons = section.querySelector('.buttons');
const screen = section.querySelector('.screen');
const most = 200e3; // characters of plain text that are kept

const names = { serial: 'console', remsh: 'Erlang shell', shell: 'second port' };

let sitting = null; // { end(), where } while a console is open
let model;

const serial = el('button', { type: 'button', 'data-port': 'serial', onclick: () => sit('serial') });
const shell = el('button', { type: 'button', 'data-port': 'shell', title: 'ttyS1: with the kernel word beaminit.console.tty=ttyS1 the Erlang shell of the release', onclick: () => sit('shell') });
const remsh = el('button', { type: 'button', 'data-port': 'remsh', title: 'lab remsh: an Erlang of this machine joins the LAN, and its shell is at the node; q() would end the release', onclick: () => sit('remsh') });
const close = el('button', { type: 'button', class: 'close', onclick: () => sitting?.end() }, 'close');
const words = el('span', { role: 'status' });
buttons.append(serial, remsh, shell, close, words);

export function drawConsole(m) {
  model = m;
  section.hidden = !m.heard;
  shell.hidden = remsh.hidden = m.verbs.length === 0;
  text(serial, 'console of ' + m.chosen);
  text(remsh, 'Erlang shell of ' + m.chosen);
  text(shell, 'second port of ' + m.chosen);
  close.hidden = !sitting;
}

async function sit(port) {
  sitting?.end();
  const node = model.chosen, stop = new AbortController();
  const at = sitting = { end: () => stop.abort() };
  screen.replaceChildren();
  text(words, 'opening …');
  const keys = new Keys();
  const show = await (model.xterm ? terminal(model.xterm, node, keys) : plain(node, keys));
  close.hidden = false;
  try {
    await stream('/console?' + new URLSearchParams({ node, port }), stop.signal, (name, data) => {
      if (name === 'open') {
        keys.seat = data;
        text(words, names[port] + ' of ' + node + ' is open; Ctrl-] leaves it' + (port === 'shell' ? '; silent without beaminit.console.tty=ttyS1' : ''));
      } else show(data);
    });
    text(words, 'the ' + names[port] + ' of ' + node + ' has ended');
  } catch (error) {
    text(words, stop.signal.aborted ? 'closed' : error.message);
  }
  if (sitting === at) sitting = null;
  close.hidden = !sitting;
}

// Keys sends what is typed, in its order: one request at a time.
class Keys {
  seat = '';
  waiting = '';
  busy = false;

  async type(what) {
    this.waiting += what;
    if (this.busy) return;
    this.busy = true;
    while (this.waiting && this.seat) {
      const now = this.waiting;
      this.waiting = '';
      await post('/type', { seat: this.seat, text: now }).catch((error) => text(words, error.message));
    }
    this.busy = false;
  }
}

// terminal gives what shows text in an xterm.js.
async function terminal(path, node, keys) {
  passNonce();
  const { Terminal } = await import(path);
  if (!document.querySelector('link[href="xterm/xterm.css"]')) document.head.append(el('link', { rel: 'stylesheet', href: 'xterm/xterm.css' }));
  const term = new Terminal({ screenReaderMode: true, disableStdin: shell.hidden, convertEol: false, cols: columns(), rows: 24, scrollback: 5000, fontSize: 13 });
  term.open(screen);
  term.onData((data) => keys.type(data));
  term.attachCustomKeyEventHandler((event) => {
    if (!event.ctrlKey || event.key !== ']') return true;
    close.focus();
    return false;
  });
  term.focus();
  return (what) => term.write(what);
}

// columns is how many fit, 80 at most.
function columns() {
  const probe = el('span', { class: 'probe' }, 'W'.repeat(10));
  screen.append(probe);
  const width = probe.getBoundingClientRect().width / 10;
  probe.remove();
  return Math.max(20, Math.min(80, Math.floor((screen.clientWidth - 24) / width)));
}

// passNonce gives the style elements that xterm.js makes the nonce of this page.
function passNonce() {
  const { nonce } = document.querySelector('link[nonce]');
  const create = Document.prototype.createElement;
  document.createElement = (tag, options) => {
    const e = create.call(document, tag, options);
    if (tag === 'style') e.nonce = nonce;
    return e;
  };
}

// plain gives what shows text in a <pre>, with a line to type in.
function plain(node, keys) {
  const pre = el('pre', { tabindex: 0, role: 'log', 'aria-label': 'console of ' + node });
  const line = el('input', { 'aria-label': 'type on the console of ' + node, autocomplete: 'off', spellcheck: 'false' });
  const form = el('form', { onsubmit: (event) => {
    event.preventDefault();
    keys.type(line.value + '\r');
    line.value = '';
  } }, line, el('button', { type: 'submit' }, 'send'));
  line.addEventListener('keydown', (event) => event.ctrlKey && event.key === ']' && close.focus());
  form.hidden = shell.hidden; // a node that is only watched is not typed at
  screen.append(pre, form);
  (form.hidden ? pre : line).focus();
  return (what) => {
    const low = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    pre.textContent = (pre.textContent + what.replace(/\x1b\[[0-9;]*[A-Za-z@]|[\r\x07]/g, '')).slice(-most);
    if (low) pre.scrollTop = pre.scrollHeight;
  };
}
