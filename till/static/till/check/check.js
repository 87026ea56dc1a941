// Measures a device in a minute and says what it found: what a till needs, and how long a picture takes.

import { Recognizer } from "../engine/recognizer.js";
import { Api } from "../page/keep/api.js";
import { Files } from "../page/keep/files.js";
import { Store } from "../page/keep/store.js";
import { config, engineWords, say } from "../page/words.js";

const SIDE = 640; // pixels: of what a till takes from its camera
const TIMES = 5;
const QUICK = 1500; // milliseconds for a picture: longer, and a clerk waits
// The smallest module with an instruction on 128 bits: i32x4.splat.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 17, 11];

const part = (name) => document.querySelector(`[data-check=${name}]`);
const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
const lines = [];

function tell(what, found, good, meaning) {
  const row = part("rows").insertRow();
  row.dataset.good = good ? "yes" : "no";
  row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: say(what) }));
  for (const text of [found, good ? "" : say(meaning)]) row.insertCell().textContent = text;
  lines.push([say(what), found, good ? "" : say(meaning)].join("\t"));
  return good;
}

const yes = (is) => say(is ? "yes" : "no");

function picture() {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const pen = canvas.getContext("2d");
  for (let at = 0; at < 200; at++) {
    pen.fillStyle = `hsl(${(at * 47) % 360} 60% 50%)`;
    pen.fillRect((at * 89) % SIDE, (at * 57) % SIDE, 90, 60);
  }
  return pen.getImageData(0, 0, SIDE, SIDE);
}

async function median(measure) {
  const times = [];
  for (let turn = 0; turn < TIMES; turn++) {
    const began = performance.now();
    await measure();
    times.push(performance.now() - began);
  }
  return Math.round(times.sort((one, other) => one - other)[Math.floor(TIMES / 2)]);
}

async function hasCamera() {
  const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  return devices.some(({ kind }) => kind === "videoinput");
}

async function browserReadsCodes() {
  const formats = await globalThis.BarcodeDetector?.getSupportedFormats().catch(() => []);
  return Boolean(formats?.includes("ean_13"));
}

// The model of the shop this device belongs to, or null where it belongs to none.
async function readState(api) {
  try {
    return await api.state(0);
  } catch {
    return null;
  }
}

async function measureSpeed(recognizer) {
  const store = await Store.open();
  const api = new Api((await store.get("token")) ?? null, (await store.get("shop")) ?? null);
  const state = await readState(api);
  const codes = await median(() => recognizer.codes(picture()));
  tell("codes", say("milliseconds", { count: codes }), true, "none");
  if (!state?.model) return tell("speed", say("unknown"), false, "no_model");
  const files = new Files(api, say);
  await recognizer.load(state.model, (url, sha256) => files.fetch(url, sha256));
  await recognizer.look(picture(), { codes: false }); // the first one warms up
  const each = await median(() => recognizer.look(picture(), { codes: false }));
  tell("speed", say("milliseconds", { count: each }), each <= QUICK, "slow");
  return true;
}

async function measureEngine() {
  const began = performance.now();
  const recognizer = new Recognizer({ worker: config.worker, ort: config.ort, zxing: config.zxing, words: engineWords });
  try {
    await recognizer.ready();
    tell("engine", say("milliseconds", { count: Math.round(performance.now() - began) }), true, "none");
    await measureSpeed(recognizer);
    return true;
  } catch (error) {
    return tell("engine", error.message, false, "no_engine");
  } finally {
    recognizer.close();
  }
}

async function measure() {
  const secure = tell("secure", yes(isSecureContext), isSecureContext, "not_secure");
  const simd = tell("simd", yes(WebAssembly.validate(new Uint8Array(SIMD))), WebAssembly.validate(new Uint8Array(SIMD)), "no_simd");
  const camera = await hasCamera();
  tell("camera", yes(camera), camera, secure ? "no_camera" : "not_secure");
  const offline = "serviceWorker" in navigator && "caches" in globalThis;
  tell("offline", yes(offline), offline, "not_offline");
  const room = await navigator.storage?.estimate().catch(() => null);
  if (room?.quota) tell("room", megabytes(room.quota - room.usage), room.quota - room.usage > 1e8, "no_room");
  tell("reader", say((await browserReadsCodes()) ? "built_in" : "ours"), true, "none");
  if (navigator.deviceMemory) tell("memory", `${navigator.deviceMemory} GB`, navigator.deviceMemory >= 2, "no_memory");
  tell("browser", navigator.userAgent, true, "none");
  return (await measureEngine()) && simd;
}

const works = await measure();
const missing = document.querySelectorAll('tr[data-good="no"]').length;
part("verdict").textContent = say(!works ? "cannot" : missing ? "can_with_limits" : "can");
document.body.dataset.tillCheck = works ? "works" : "fails";
const copy = part("copy");
copy.hidden = !navigator.clipboard;
copy.onclick = () => navigator.clipboard.writeText(lines.join("\n"));
