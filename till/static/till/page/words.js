// What the server wrote into the page for its scripts: addresses, and every sentence in the reader's language.

const read = (id) => JSON.parse(document.getElementById(id).textContent);

export const config = read("till-config");
const words = read("till-words");

// `say("lines", {count: 3})` fills in what the sentence leaves open.
export function say(key, values = {}) {
  return words[key].replace(/%\((\w+)\)s/g, (_, name) => values[name] ?? "");
}

// Where a sentence depends on a number: `key_one` for 1, `key_many` for all others.
export function sayCount(key, count) {
  return say(count === 1 ? `${key}_one` : `${key}_many`, { count });
}

export const engineWords = {
  broken: words.engine_broken,
  slow: words.not_started,
  closed: words.engine_closed,
  unusable: words.engine_unusable,
};
