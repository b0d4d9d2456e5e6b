// Scenarios: those that can be played on this lab, and how far the one is that is played.

import { post } from './api.js';
import { el, each, text, mark } from './dom.js';

const section = document.getElementById('scenario');
const body = section.querySelector('.body');
const which = el('select', { id: 'which' });
const play = el('button', { type: 'submit', class: 'play' }, 'play');
const end = el('button', { type: 'button', class: 'end', onclick: () => ask('') }, 'end it');
const form = el('form', { onsubmit: (event) => {
  event.preventDefault();
  ask(which.value);
} }, el('label', { for: 'which' }, 'scenario'), which, play, end);
const wrong = el('p', { role: 'alert' });
const bar = el('progress', { 'aria-label': 'steps' });
const list = el('ol');
const progress = el('div', {}, bar, list);
body.append(form, wrong, progress);

let told = ''; // what was read out last

async function ask(name) {
  text(wrong, '');
  await post('/play', name).catch((error) => text(wrong, error.message));
}

export function drawScenario(model) {
  const { play: on } = model.now;
  const runs = Boolean(on) && !on.failed && on.done < on.steps.length;
  section.hidden = !on && model.scenarios.length === 0;
  form.hidden = model.scenarios.length === 0;
  progress.hidden = !on;
  each(which, model.scenarios, (name) => name, (name) => el('option', { value: name }, name));
  play.disabled = which.disabled = runs;
  end.hidden = !runs;
  text(document.getElementById('h-scenario'), on ? 'Scenario: ' + on.name : 'Scenarios');
  if (on) drawProgress(on, model);
}

function drawProgress(on, model) {
  bar.max = on.steps.length;
  bar.value = on.done;
  const far = on.done + ' of ' + on.steps.length + ' steps';
  bar.setAttribute('aria-label', far);
  each(list, on.steps.map((words, i) => ({ words, i })), (s) => s.i, (s) => el('li', {}, s.words), (e, s) => {
    const failed = s.i === on.done && on.failed;
    const kind = s.i < on.done ? 'good' : failed ? 'bad' : s.i === on.done ? 'busy' : 'quiet';
    const sign = { good: '✓ ', bad: '✕ ', busy: '▸ ', quiet: '' }[kind];
    text(e, sign + s.words + (failed ? ': ' + on.failed : ''));
    mark(e, kind);
  });
  const now = on.name + ': ' + (on.failed ? 'failed, ' + on.failed : far);
  if (now !== told && told !== '') model.say(now);
  told = now;
}
