// The time line: what each node was and when, what was done to it, and the events in words.

import { el, each, text, mark } from './dom.js';
import { clock, stateLook } from './words.js';

const lanes = document.querySelector('#time .lanes');
const list = document.querySelector('#time ol');
const least = 30e3, most = 600e3; // of time that the lanes show, in ms

export function drawTime(model) {
  const now = Date.parse(model.now.at);
  const begun = model.past.length > 0 ? Date.parse(model.past[0].at) : now;
  const shown = Math.min(most, Math.max(least, now - begun));
  const x = (at) => 100 * Math.max(0, 1 - (now - at) / shown);
  each(lanes, model.now.nodes, (n) => n.name, (n) => el('div', { class: 'lane' }, el('b', {}, n.name), el('div')), (lane, n) => {
    each(lane.lastChild, marksOf(model, n.name, now - shown, now), (m) => m.key, (m) => el(m.done ? 'i' : 'span', { title: m.title }, m.words), (e, m) => {
      e.style.left = x(m.from) + '%';
      if (!m.done) e.style.width = x(m.to) - x(m.from) + '%';
      mark(e, m.kind);
    });
  });
  each(list, model.events.map((e, i) => ({ ...e, key: e.at + ' ' + e.node + ' ' + e.text })).reverse(), (e) => e.key, (e) =>
    el('li', {}, el('time', { datetime: e.at }, clock(e.at)), el('b', {}, e.node), el('span', {}, e.text)));
}

// marksOf are the states of a node within a time, and what the lab did to it.
function marksOf(model, name, from, now) {
  const changes = model.past.filter((c) => c.node === name).map((c) => ({ state: c.state, at: Date.parse(c.at) }));
  const states = changes.map((c, i) => {
    const to = changes[i + 1]?.at ?? now;
    return { key: 'state ' + c.at, from: c.at, to, words: c.state, title: c.state + ' from ' + clock(c.at), kind: stateLook(c.state)[1] };
  });
  const done = model.events.filter((e) => e.text.startsWith('lab: ') && e.node === name || e.node === 'lan').map((e) => (
    { key: 'event ' + e.at + e.text, done: true, from: Date.parse(e.at), to: Date.parse(e.at), words: '▾', title: clock(e.at) + ' ' + e.text.replace('lab: ', ''), kind: '' }));
  return [...states, ...done].filter((m) => m.to > from);
}
