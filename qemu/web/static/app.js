// The page: it takes pictures of the lab as they come, and has each part drawn from the
// last one. model is all that is known.

import { stream } from './api.js';
import { text, mark } from './dom.js';
import { span, bytes, count, peers } from './words.js';
import { Rates } from './rates.js';
import { drawGraph } from './graph.js';
import { drawNodes, drawChosen } from './nodes.js';
import { drawFaults } from './faults.js';
import { drawMatrix } from './matrix.js';
import { drawBoot } from './boot.js';
import { drawTime } from './time.js';
import { drawConsole } from './console.js';
import { drawScenario } from './scenario.js';

const byId = (id) => document.getElementById(id);
const keptEvents = 200, keptChanges = 2000;

const model = {
  now: null, // the last picture
  events: [], past: [], verbs: [], scenarios: [], xterm: '',
  heard: false, // there are consoles
  rates: new Rates(),
  chosen: '', // name of a node
  choose(name) {
    model.chosen = name;
    draw();
  },
  node: () => model.now.nodes.find((n) => n.name === model.chosen),
  say: (what) => text(byId('said'), what), // read out
};

const parts = [drawScenario, drawGraph, drawNodes, drawChosen, drawFaults, drawMatrix, drawBoot, drawTime, drawConsole];

function take(picture) {
  if (picture.first) Object.assign(model, { events: [], past: [], verbs: picture.verbs ?? [], scenarios: picture.scenarios ?? [], heard: picture.heard, xterm: picture.xterm ?? '' });
  else tell(picture);
  model.now = picture;
  document.querySelector('main').hidden = false;
  model.now.nodes ??= [];
  model.events = model.events.concat(picture.events ?? []).slice(-keptEvents);
  model.past = model.past.concat(picture.past ?? []).slice(-keptChanges);
  model.rates.take(picture);
  if (!model.node()) model.chosen = model.now.nodes[0]?.name ?? '';
  draw();
}

function draw() {
  header(model.now);
  for (const part of parts) part(model);
}

// tell reads out what has changed.
function tell(picture) {
  const said = (picture.past ?? []).map((c) => {
    const node = picture.nodes.find((n) => n.name === c.node);
    const missing = node?.missing?.length ? ', misses ' + node.missing.join(' and ') : '';
    return c.node + ' is ' + c.state + missing;
  });
  if (said.length > 0) model.say(said.join('; '));
}

function header(now) {
  const up = now.nodes.filter((n) => n.state === 'up').length;
  const whole = up === now.nodes.length && now.nodes.every((n) => n.connected === n.peers);
  const words = up + ' of ' + now.nodes.length + ' up';
  text(byId('verdict'), whole ? '✓ whole: ' + words : '! ' + words);
  mark(byId('verdict'), whole ? 'good' : 'warn');
  document.title = words + ' – beaminit lab';
  text(byId('facts'), now.serial ? 'watched for ' + span(now.uptime) : [
    count(now.lan.frames) + ' frames, ' + bytes(now.lan.bytes),
    ...(now.lan.lost ? [count(now.lan.lost) + ' lost'] : []),
    ...(now.lan.cut ? [count(now.lan.cut) + ' cut off'] : []),
    ...(now.lan.dropped ? [count(now.lan.dropped) + ' dropped'] : []),
    now.accel, 'Linux ' + now.kernel, 'image ' + now.image, 'running ' + span(now.uptime),
  ].join(' · '));
}

function trouble(words) {
  byId('trouble').hidden = !words;
  text(byId('trouble'), words);
  document.body.classList.toggle('stale', Boolean(words));
}

// hidden is a promise of the page being seen, or not seen, any more: a browser has only six
// connections to one address for all its tabs.
const hidden = (is) => new Promise((done) => {
  const look = () => {
    if (document.hidden !== is) return;
    document.removeEventListener('visibilitychange', look);
    done();
  };
  document.addEventListener('visibilitychange', look);
  look();
});

async function watch() {
  for (;;) {
    let over = '';
    await hidden(false);
    const stop = new AbortController();
    hidden(true).then(() => stop.abort());
    try {
      await stream('/status', stop.signal, (name, data) => {
        if (name === 'picture') {
          trouble('');
          take(data);
        } else over = data;
      });
    } catch (error) {
      if (error.refused) return trouble(error.message);
      if (stop.signal.aborted) continue;
      console.error(error);
    }
    trouble(over ? 'The lab is gone: ' + over : 'The lab does not answer. Trying again …');
    await new Promise((go) => setTimeout(go, 1000));
  }
}

watch();
