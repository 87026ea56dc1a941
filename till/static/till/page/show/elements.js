// Finds the parts of the page, and makes new ones.

export const part = (name) => document.querySelector(`[data-till="${name}"], [data-till-${name}]`);

// `element("p", {class: "note", "data-id": 3}, "text", child)`; attributes that are null are left out.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}
