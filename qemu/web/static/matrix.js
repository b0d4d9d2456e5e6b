// Who is connected to whom, as each node says of itself.

import { el, each, text, mark } from './dom.js';
import { hostOf, misses } from './words.js';

const table = document.querySelector('#matrix table');

export function drawMatrix(model) {
  const { nodes } = model.now;
  const hosts = [...new Set([...nodes.map(hostOf), ...nodes.flatMap((n) => (n.missing ?? []).map((m) => m.split(':')[0])).filter((m) => !m.startsWith('+'))])];
  each(table, ['', ...nodes], (n) => n.name ?? '', () => el('tr'), (row, n) => {
    const cells = n === '' ? ['', ...hosts].map((h) => ({ key: h, words: h || 'node' })) : [{ key: '', words: n.name }, ...hosts.map((h) => cellOf(n, h, hosts.length <= 6))];
    each(row, cells, (c) => c.key, (c) => el(n === '' || c.key === '' ? 'th' : 'td', { scope: n === '' ? 'col' : c.key === '' ? 'row' : null }), (cell, c) => {
      text(cell, c.words);
      mark(cell, c.kind ?? '');
    });
  });
}

// cellOf is what a node says of a host; with many the reasons are in the table of the nodes.
function cellOf(node, host, few) {
  const cell = (words, kind) => ({ key: host, words, kind });
  if (host === hostOf(node)) return cell('–', 'quiet');
  if (!node.has_record || node.state === 'off' || node.state === 'dead' || node.connected < 0) return cell('?', 'quiet');
  const why = misses(node, host);
  if (why !== null) return cell(few ? '✕ ' + (why || 'missing') : '✕', 'bad');
  const all = node.connected === node.peers;
  const unnamed = (node.missing ?? []).some((m) => m.startsWith('+')) || (!all && !node.missing?.length);
  return unnamed ? cell('?', 'quiet') : cell(few ? '✓ connected' : '✓', 'good');
}
