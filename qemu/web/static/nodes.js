// The nodes as a table, and what is known of the one that is chosen.

import { el, each, text, mark } from './dom.js';
import { look, faultsOf, peers, span, millis, bytes } from './words.js';

const body = document.querySelector('#nodes tbody');

export function drawNodes(model) {
  each(body, model.now.nodes, (n) => n.name, (n) => makeRow(n, model), (row, n) => updateRow(row, n, model));
}

function makeRow(n, model) {
  const cells = ['', '', 'number', 'number', 'number', 'number', ''].map((c) => el('td', { class: c }));
  const choose = el('button', { type: 'button', class: 'name', onclick: () => model.choose(n.name) }, n.name);
  return el('tr', { 'data-node': n.name }, el('th', { scope: 'row' }, choose), ...cells);
}

function updateRow(row, n, model) {
  const [sign, kind] = look(n);
  const missing = (n.missing ?? []).map((m) => '−' + m);
  const known = (words) => n.has_record ? words : '';
  const words = [
    sign + ' ' + n.state, [peers(n), ...missing, ...faultsOf(n)].filter(Boolean).join(' '),
    known(span(n.uptime)), known(String(n.restarts)), known(bytes(n.memory)), known(millis(n.probe)), n.event,
  ];
  words.forEach((w, i) => text(row.cells[i + 1], w));
  mark(row.cells[1], kind);
  mark(row.cells[2], missing.length > 0 ? 'bad' : faultsOf(n).length > 0 ? 'warn' : '');
  row.querySelector('button').setAttribute('aria-pressed', n.name === model.chosen);
}

const facts = document.querySelector('#chosen dl');

export function drawChosen(model) {
  const n = model.node();
  text(document.getElementById('h-chosen'), n ? n.name : 'Node');
  each(facts, n ? factsOf(n) : [], ([name]) => name, ([name]) => el('div', {}, el('dt', {}, name), el('dd')), (e, [, value, kind]) => {
    text(e.lastChild, value);
    mark(e.lastChild, kind ?? '');
  });
}

// factsOf are those that there are.
function factsOf(n) {
  const [sign, kind] = look(n);
  const list = (words) => (words ?? []).join(' ');
  return [
    ['state', sign + ' ' + n.state, kind],
    ['done to it', faultsOf(n).join(', '), 'bad'],
    ['why', n.why],
    ['next start in', n.next ? span(n.next) : ''],
    ['peers', peers(n)],
    ['missing', list(n.missing), 'bad'],
    ['warnings', list([...(n.warn ?? []), ...(n.net ?? [])]), 'warn'],
    ['address', n.address],
    ['Erlang node', n.erlang],
    ['pid of the VM', n.pid ? String(n.pid) : ''],
    ['it has cut', list(n.was_cut)],
    ['it has healed', list(n.healed)],
    ['slot', n.slot ? n.slot + (n.trial ? ' on trial' : '') : ''],
    ['discovery', n.discovery],
    ['last record', n.has_record && n.age > 2e9 ? span(n.age) + ' ago' : ''],
    ['records lost', n.lost ? String(n.lost) : ''],
    ['garbled lines', n.garbled ? String(n.garbled) : ''],
    ['last event', n.event],
  ].filter(([, value]) => value);
}
