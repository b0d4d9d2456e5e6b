// When each step of the boot was done, as a bar, and in figures.

import { el, each, text } from './dom.js';
import { seconds } from './words.js';

const list = document.querySelector('#boot ul');

export function drawBoot(model) {
  const nodes = model.now.nodes.filter((n) => n.phases?.length);
  const longest = Math.max(1, ...nodes.map((n) => n.phases.at(-1).At));
  document.getElementById('boot').hidden = nodes.length === 0;
  each(list, nodes, (n) => n.name, (n) => el('li', {}, el('b', {}, n.name), el('div', { class: 'bar', 'aria-hidden': 'true' }), el('small')), (e, n) => {
    const [, bar, words] = e.children;
    const steps = n.phases.map((p, i) => ({ ...p, took: p.At - (n.phases[i - 1]?.At ?? 0) }));
    each(bar, steps, (p) => p.Name, (p) => el('span', {}, p.Name), (span, p) => {
      span.style.width = 100 * p.took / longest + '%';
      span.title = p.Name + ' ' + seconds(p.took) + ' s, done at ' + seconds(p.At);
    });
    text(words, steps.map((p) => p.Name + ' ' + seconds(p.At)).join(' · '));
  });
}
