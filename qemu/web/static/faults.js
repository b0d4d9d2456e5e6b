// Buttons for every fault. Which there are, and what follows their words, the lab says: a
// verb of one node ("A"), of one node and a word ("A slow|full"), of links ("A [B] 20%"), of
// sides ("A,B / C"), and heal.

import { post } from './api.js';
import { el, each, text } from './dom.js';

const ofNode = document.querySelector('#chosen .buttons');
const linkForm = document.querySelector('#links form');
const faultList = document.querySelector('#links ul');
const examples = { loss: '20%', delay: '200ms±50ms', rate: '64k', duplicate: '5%', reorder: '5%' };

// act does what the words say, and tells what came of it.
async function act(model, ...words) {
  try {
    await post('/do', words);
    model.say('done: ' + words.join(' '));
    text(outcome, '');
  } catch (error) {
    text(outcome, error.message);
    setTimeout(() => text(outcome, ''), shown);
  }
}
const outcome = document.body.appendChild(el('p', { class: 'outcome', role: 'alert' }));
const shown = 10e3; // ms that an error is shown

export function drawFaults(model) {
  const { verbs } = model;
  document.body.classList.toggle('watched', verbs.length === 0);
  each(ofNode, verbs.flatMap(nodeButtons), (b) => b.words.join(' '), (b) => makeButton(b, model), (e, b) => {
    e.disabled = !possible(b.words[0], b.words[1], model.node(), model.now.accel);
  });
  if (verbs.length > 0 && !linkForm.firstChild) linkForm.append(...makeForm(model));
  if (verbs.length > 0) updateForm(model);
  each(faultList, oneEach(model.now.links ?? []), (l) => l.from + ' ' + l.to + ' ' + (l.lan ?? ''), (l) => makeFault(l, model), (e, l) => text(e.firstChild, l.from + (l.both ? ' ↔ ' : ' → ') + l.to + ': ' + l.text));
}

// oneEach makes one of the two ways of a link that is wrong in the same way in both.
function oneEach(links) {
  const back = (l) => links.findIndex((o) => o.from === l.to && o.to === l.from && o.text === l.text);
  return links.map((l) => ({ ...l, both: back(l) >= 0 })).filter((l, i) => back(l) < 0 || back(l) > i);
}

// nodeButtons are those of a verb: its words but for the node.
function nodeButtons(verb) {
  if (verb.name === 'heal') return [{ words: ['heal'], help: 'take back what was done to this node' }];
  if (verb.args === 'A') return [{ words: [verb.name], help: verb.help }];
  const choices = verb.args.match(/^A (\w+(\|\w+)+)$/);
  return choices ? choices[1].split('|').map((word) => ({ words: [verb.name, word], help: verb.help })) : [];
}

function makeButton({ words, help }, model) {
  const [verb, ...more] = words;
  return el('button', { type: 'button', 'data-verb': verb, title: help, onclick: () => act(model, verb, model.chosen, ...more) }, words.join(' '));
}

// possible tells whether a verb can do something to a node.
function possible(verb, word, node, accel) {
  if (!node) return false;
  if (accel === 'namespaces' && ['slow', 'readonly', 'full'].includes(word)) return false; // its data is a directory
  const off = node.state === 'off';
  if (verb === 'start' || word === 'full' || word === 'wipe') return off;
  if (verb === 'cont') return (node.faults ?? []).includes('frozen');
  return !off || verb === 'isolate' || verb === 'heal';
}

// The form of what is done between nodes.
const verbBox = el('select', { id: 'verb' });
const fromBox = el('select', { id: 'from' });
const toBox = el('select', { id: 'to' });
const valueBox = el('input', { id: 'value', size: 10, autocomplete: 'off' });
const oneWay = el('input', { id: 'oneway', type: 'checkbox' });
const lanBox = el('select', { id: 'onlan' });
const sides = el('fieldset', {}, el('legend', {}, 'one side of the split'));
const labelled = (words, e) => el('label', { for: e.id }, words, e);
const rows = { from: labelled('from', fromBox), to: labelled('to', toBox), value: labelled('value', valueBox), way: labelled('one way only', oneWay), lan: labelled('LAN', lanBox) };

function makeForm(model) {
  const between = model.verbs.filter((v) => v.args.startsWith('A [B]') || v.args.startsWith('A,B'));
  verbBox.append(...between.map((v) => el('option', { value: v.name, title: v.help }, v.name)));
  verbBox.addEventListener('change', () => {
    valueBox.value = examples[verbBox.value] ?? '';
    updateForm(model);
  });
  linkForm.addEventListener('submit', (event) => {
    event.preventDefault();
    act(model, ...words());
  });
  return [labelled('fault', verbBox), ...Object.values(rows), sides, el('button', { type: 'submit' }, 'do it'),
    el('button', { type: 'button', 'data-verb': 'heal', class: 'heal', onclick: () => act(model, 'heal') }, 'heal all')];
}

function updateForm(model) {
  const names = model.now.nodes.map((n) => n.name);
  const option = (name) => el('option', { value: name }, name);
  each(fromBox, [...names, 'all'], (n) => n, option);
  each(toBox, ['all', ...names], (n) => n, option);
  each(sides, names, (n) => n, (n) => {
    const box = el('input', { type: 'checkbox', id: 'side-' + n, value: n });
    return el('label', { for: box.id }, box, n);
  });
  const lans = (model.now.lans ?? []).map((l) => l.name);
  each(lanBox, ['all', ...lans], (n) => n, option);
  rows.lan.hidden = lans.length < 2;
  const split = verbBox.value === 'split';
  sides.hidden = !split;
  rows.from.hidden = rows.to.hidden = rows.way.hidden = split;
  rows.value.hidden = !(verbBox.value in examples) && !takesValue(model);
}

const takesValue = (model) => /\d/.test(model.verbs.find((v) => v.name === verbBox.value)?.args ?? '');

// onLAN are the words for one LAN of several.
const onLAN = (name) => name && name !== 'all' ? ['on', name] : [];

// words are those of the form, for the lab.
function words() {
  if (verbBox.value === 'split') {
    const boxes = [...sides.querySelectorAll('input')];
    const side = (on) => boxes.filter((b) => b.checked === on).map((b) => b.value).join(',');
    return ['split', side(true), '/', side(false), ...onLAN(lanBox.value)];
  }
  return [verbBox.value, fromBox.value, ...(toBox.value === 'all' ? [] : [toBox.value]),
    ...(rows.value.hidden ? [] : [valueBox.value.trim()]), ...(oneWay.checked ? ['--one-way'] : []), ...onLAN(lanBox.value)];
}

function makeFault(l, model) {
  return el('li', {}, el('span'), el('button', { type: 'button', 'aria-label': 'heal ' + l.from + ' and ' + l.to, onclick: () => act(model, 'heal', l.from, l.to, ...onLAN(l.lan)) }, 'heal'));
}
