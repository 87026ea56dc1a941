// Makes an element look like another one and keeps what is in it: the focus, unfolded `<details>`, pictures that are
// loaded, and live regions, of which a screen reader reads only what has changed.

const KEPT = new Set(["open", "aria-busy"]); // attributes that a person or a script sets, and no rendering

export function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (!(old instanceof Element)) { old.data = fresh.data; return; }
  if (Number(old.dataset.mlSaid) > Date.now()) return; // an answer that is to stay for a while
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  const ids = new Set([...fresh.children].map((child) => child.id));
  for (const child of [...old.children]) if (child.id && !ids.has(child.id)) child.remove();
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = find(next, child);
    if (!same) { old.insertBefore(child, next); continue; }
    if (same === next) next = next.nextSibling;
    else old.insertBefore(same, next);
    patch(same, child);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

function find(node, child) {
  while (node && (node.nodeName !== child.nodeName || (node.id ?? "") !== (child.id ?? ""))) node = node.nextSibling;
  return node;
}
