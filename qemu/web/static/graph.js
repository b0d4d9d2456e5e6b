// The LAN as a graph: the nodes are buttons on an ellipse, the links lines below them. The
// tables say the same in words.

import { el, each, text, mark } from './dom.js';
import { look, faultsOf, hostOf, misses, peers } from './words.js';

const field = document.querySelector('#lan .graph');
const svg = field.querySelector('svg');
const few = 6; // with more nodes, buttons are small and links that are well have no words
const most = 24; // with more nodes, there are no links to be seen: the matrix has them

// place gives the middle of the i-th of n, in percent.
function place(i, n) {
  if (n === 1) return [50, 50];
  const angle = 2 * Math.PI * i / n - (n === 2 ? Math.PI : Math.PI / 2);
  return [50 + 36 * Math.cos(angle), (n === 3 ? 58 : 50) + (n === 3 ? 41 : 37) * Math.sin(angle)];
}

export function drawGraph(model) {
  const nodes = model.now.nodes;
  const many = nodes.length > few;
  field.classList.toggle('many', many);
  field.classList.toggle('crowd', nodes.length > most);
  const links = nodes.length > most ? [] : linksOf(model);
  links.sort((a, b) => (b.look === 'good') - (a.look === 'good')); // what is wrong lies above
  each(svg, links, (l) => l.key, () => document.createElementNS('http://www.w3.org/2000/svg', 'line'), (line, l) => {
    for (const [name, value] of [['x1', l.from[0]], ['y1', l.from[1]], ['x2', l.to[0]], ['y2', l.to[1]], ['class', l.look]]) line.setAttribute(name, value);
    line.style.strokeWidth = 1.5 + Math.min(4, Math.log2(1 + l.rate) / 2) + 'px';
  });
  const shown = links.filter((l) => l.words && !(many && l.look === 'good'));
  each(labels, shown, (l) => l.key, () => el('span'), (e, l) => {
    text(e, many ? l.words[0] : l.words); // a sign and no word
    e.title = l.words;
    e.className = l.look;
    put(e, (l.from[0] + l.to[0]) / 2, (l.from[1] + l.to[1]) / 2);
  });
  each(buttons, nodes.map((n, i) => ({ n, at: place(i, nodes.length) })), (b) => b.n.name, (b) => makeNode(b.n.name, model), (e, b) => updateNode(e, b, model));
}

const labels = field.appendChild(el('div', { class: 'labels', 'aria-hidden': 'true' }));
const buttons = field.appendChild(el('div', { role: 'group', 'aria-label': 'Nodes' }));

function put(e, x, y) {
  e.style.left = x + '%';
  e.style.top = y + '%';
}

function makeNode(name, model) {
  return el('button', { class: 'node', type: 'button', 'data-node': name, onclick: () => model.choose(name) }, el('b', {}, name), el('span'), el('small'));
}

function updateNode(e, { n, at }, model) {
  const [sign, kind] = look(n);
  const [, state, more] = e.children;
  text(state, sign + ' ' + n.state);
  text(more, [peers(n), ...faultsOf(n)].filter(Boolean).join(' · '));
  mark(e, kind);
  e.setAttribute('aria-pressed', n.name === model.chosen);
  put(e, ...at);
}

function linksOf(model) {
  const { nodes } = model.now, links = [];
  nodes.forEach((a, i) => nodes.slice(i + 1).forEach((b, j) => {
    const wrong = wrongWith(model.now, a, b);
    const rate = model.rates.of(a.name, b.name);
    const words = [wrong.words, wrong.look !== 'cut' && rate >= 0.05 ? (rate < 10 ? rate.toFixed(1) : Math.round(rate)) + '/s' : ''].filter(Boolean).join(' · ');
    links.push({ key: a.name + ' ' + b.name, from: place(i, nodes.length), to: place(i + 1 + j, nodes.length), rate, words, look: wrong.look });
  }));
  return links;
}

// wrongWith says what a link is: cut, faulty, broken (nothing was done to it, and the nodes
// are not connected), good, or unknown.
function wrongWith(now, a, b) {
  const off = [a, b].some((n) => n.state === 'off');
  if (a.cut || b.cut) return { look: 'cut', words: '✕ cut' };
  const ways = (now.links ?? []).filter((l) => (l.from === a.name && l.to === b.name) || (l.from === b.name && l.to === a.name));
  if (ways.length > 0) {
    const texts = [...new Set(ways.map((l) => l.text))];
    const same = texts.every((t) => ways.filter((l) => l.text === t).length === 2);
    const words = same ? texts.join(', ') : ways.map((l) => '→ ' + l.to + ' ' + l.text).join(', ');
    return ways.some((l) => l.fault.cut) ? { look: 'cut', words: '✕ ' + words } : { look: 'faulty', words: '! ' + words };
  }
  if (off) return { look: 'unknown', words: '' };
  if (misses(a, hostOf(b)) !== null || misses(b, hostOf(a)) !== null) return { look: 'broken', words: '✕ not connected' };
  return a.has_record && b.has_record ? { look: 'good', words: '' } : { look: 'unknown', words: '' };
}
