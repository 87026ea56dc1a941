// Sound and vibration: off until somebody turns them on, and remembered.

import { part } from "./elements.js";

const TONES = { sure: [880], unsure: [330], added: [880, 1320], fault: [220, 160] };
const TONE_SECONDS = 0.09;
const VIBRATIONS = { sure: [40], unsure: [30, 60, 30], added: [60], fault: [150] };

export class Settings {
  constructor(store) {
    this.store = store;
    this.on = { sound: false, vibration: false };
    for (const name of Object.keys(this.on)) {
      part(name).addEventListener("change", () => this.#turn(name, part(name).checked));
    }
    part("vibration-row").hidden = !navigator.vibrate;
  }

  async read() {
    Object.assign(this.on, await this.store.get("settings"));
    for (const [name, isOn] of Object.entries(this.on)) part(name).checked = isOn;
  }

  async #turn(name, isOn) {
    this.on[name] = isOn;
    if (isOn) this.signal("sure");
    await this.store.set("settings", { ...this.on });
  }

  // Let it be heard and felt: sure | unsure | added | fault.
  signal(kind) {
    if (this.on.vibration) navigator.vibrate?.(VIBRATIONS[kind]);
    if (this.on.sound) this.#play(TONES[kind]);
  }

  #play(tones) {
    this.audio ??= new AudioContext();
    this.audio.resume();
    tones.forEach((pitch, index) => {
      const [tone, volume] = [this.audio.createOscillator(), this.audio.createGain()];
      tone.frequency.value = pitch;
      volume.gain.value = 0.15;
      tone.connect(volume).connect(this.audio.destination);
      const start = this.audio.currentTime + index * TONE_SECONDS;
      tone.start(start);
      tone.stop(start + TONE_SECONDS);
    });
  }
}
