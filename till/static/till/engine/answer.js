// From the head's numbers to an answer: the same rules as the server's `recognition/recognize.py`.

export const NAMED = "NAMED"; // the first candidate, without asking
export const CHOOSE = "CHOOSE"; // a short list to choose from
export const UNKNOWN = "UNKNOWN"; // hardly any photo of the shop's products looks so
const MAX_LIST = 6; // products of a short list
const BOUND = 30; // of the log-odds: beyond it a chance is as good as 0 or 1

function softmax(logits, temperature) {
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - highest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function chanceOf(score, logits, model) {
  if (!model.confidence) return Math.max(...softmax(logits, model.temperature));
  const [slope, offset] = model.confidence;
  return 1 / (1 + Math.exp(-Math.min(Math.max(slope * score + offset, -BOUND), BOUND)));
}

function kindOf(score, views, model) {
  if (!model.named_above) return CHOOSE; // a model that does not say how far to trust it is never sure
  const tried = Object.keys(model.named_above).map(Number);
  const least = model.named_above[Math.max(...tried.filter((count) => count <= views))];
  if (score > least) return NAMED;
  return score < model.unknown_below ? UNKNOWN : CHOOSE;
}

// logits of temperature 1, one for each of model.labels; activeIds: a Set of the products that may be answered.
// Gives the answer, the chance that the first candidate is right, the short list, and all products by chance.
export function decide({ logits, score, model, activeIds, views }) {
  const all = [...logits];
  const kept = model.labels.map((id, index) => ({ id, logit: all[index] })).filter(({ id }) => activeIds.has(id));
  if (!kept.length) return { answer: UNKNOWN, confidence: 0, candidates: [], ranking: [] };
  // A photo that looks most like a product which may not be answered shows none of the others.
  const mayBeNamed = activeIds.has(model.labels[all.indexOf(Math.max(...all))]);
  const chances = softmax(
    kept.map(({ logit }) => logit),
    model.temperature,
  );
  const ranking = kept
    .map(({ id }, index) => ({ id, probability: chances[index] }))
    .sort((one, other) => other.probability - one.probability);
  const highest = Math.max(...kept.map(({ logit }) => logit));
  const gap = model.list_gap ?? Number.POSITIVE_INFINITY;
  const near = kept.filter(({ logit }) => highest - logit <= gap).length;
  const kind = kindOf(score, views, model);
  return {
    answer: kind === NAMED && !mayBeNamed ? (score < model.unknown_below ? UNKNOWN : CHOOSE) : kind,
    confidence: mayBeNamed ? chanceOf(score, all, model) : 0,
    candidates: ranking.slice(0, Math.min(Math.max(near, 1), MAX_LIST)),
    ranking,
  };
}
