// Right, look and wrong sound and feel different: a person in gloves, in noise, does not look at the screen for every box.

const TONES = {
  ok: [[1760, 0, 0.09]],
  warn: [[880, 0, 0.12], [880, 0.18, 0.12]],
  wrong: [[196, 0, 0.5], [185, 0, 0.5]],
};
const SHAKES = { ok: [60], warn: [80, 80, 80], wrong: [400, 100, 400] };
let context = null;

// Browsers are silent until the first touch; call this in it.
export function wake() {
  try {
    context ??= new AudioContext();
    if (context.state === "suspended") context.resume();
  } catch {
    context = null; // no audio device: the screen and the vibration remain
  }
}

export function signal(level) {
  navigator.vibrate?.(SHAKES[level]);
  wake();
  if (!context) return;
  for (const [hertz, start, length] of TONES[level]) {
    const tone = context.createOscillator();
    const loud = context.createGain();
    tone.type = level === "wrong" ? "square" : "sine";
    tone.frequency.value = hertz;
    loud.gain.value = level === "wrong" ? 0.5 : 0.35;
    tone.connect(loud).connect(context.destination);
    tone.start(context.currentTime + start);
    tone.stop(context.currentTime + start + length);
  }
}
