// Elements, made and kept. What nodes say is hostile: it becomes text, never markup.

// el makes an element; what is no element among the children becomes text.
export function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children);
  return e;
}

// text sets an element's text where it is another, so that nothing is drawn or read out anew.
export function text(e, value) {
  if (e.textContent !== value) e.textContent = value;
}

// each has an element in parent for each item, in their order. An element stays as long as
// the key of its item does, and with it the focus.
export function each(parent, items, key, make, update) {
  const had = parent.kept ?? new Map();
  const kept = new Map();
  let before = null;
  for (const item of items) {
    const k = key(item);
    if (kept.has(k)) continue;
    const e = had.get(k) ?? make(item);
    update?.(e, item);
    if (e.parentNode !== parent) parent.insertBefore(e, before ? before.nextSibling : first(parent, had));
    else if (before && before.nextSibling !== e) parent.insertBefore(e, before.nextSibling);
    kept.set(k, e);
    before = e;
  }
  for (const [k, e] of had) if (!kept.has(k)) e.remove();
  parent.kept = kept;
}

function first(parent, had) {
  for (const e of had.values()) if (e.parentNode === parent) return e;
  return null;
}

// mark gives an element the look of a kind: good, busy, warn, bad or quiet.
export function mark(e, kind) {
  if (e.dataset.kind !== kind) e.dataset.kind = kind;
}

export const hidden = (value) => el('span', { class: 'vh' }, value);
