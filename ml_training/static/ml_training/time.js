// Times in words: "3 minutes ago", "about 12 s left".

const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function inWords(iso) {
  let amount = (Date.parse(iso) - Date.now()) / 1000;
  if (Math.abs(amount) < 10) return "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return words.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

export function left(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return `about ${Math.max(Math.round(seconds), 1)} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}
