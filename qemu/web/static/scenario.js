// How far a scenario is, where one is played.

import { el, each, text, mark } from './dom.js';

const section = document.getElementById('scenario');
const body = section.querySelector('.body');
const bar = el('progress', { 'aria-label': 'steps' });
const list = el('ol');
body.append(bar, list);

export function drawScenario(model) {
  const play = model.now.play;
  section.hidden = !play;
  if (!play) return;
  text(document.getElementById('h-scenario'), 'Scenario: ' + play.name);
  bar.max = play.steps.length;
  bar.value = play.done;
  bar.setAttribute('aria-label', play.done + ' of ' + play.steps.length + ' steps');
  each(list, play.steps.map((words, i) => ({ words, i })), (s) => s.i, (s) => el('li', {}, s.words), (e, s) => {
    const failed = s.i === play.done && play.failed;
    const kind = s.i < play.done ? 'good' : failed ? 'bad' : s.i === play.done ? 'busy' : 'quiet';
    const sign = { good: '✓ ', bad: '✕ ', busy: '▸ ', quiet: '' }[kind];
    text(e, sign + s.words + (failed ? ': ' + play.failed : ''));
    mark(e, kind);
  });
}
