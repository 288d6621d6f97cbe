// Elements are made here and nowhere else. Text only ever becomes text nodes:
// what callers said, or a PBX called itself, is never read as HTML.

/**
 * h makes an element. Props that are functions become listeners ("onclick"),
 * true and false switch an attribute, everything else is its value.
 * Children may be nodes, text, lists of them, or nothing.
 */
export function h(tag, props = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') el.addEventListener(name.slice(2), value);
    else if (value === true) el.setAttribute(name, '');
    else if (value !== false && value != null) el.setAttribute(name, String(value));
  }
  el.append(...nodes(children));
  return el;
}

/** fill replaces everything in an element. */
export function fill(el, ...children) {
  el.replaceChildren(...nodes(children));
  return el;
}

function nodes(children) {
  return children.flat(Infinity).filter((c) => c != null && c !== false && c !== '');
}
