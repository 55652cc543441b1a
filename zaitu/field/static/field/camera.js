// Barcodes and QR codes from the camera. Decoding runs in a worker (zxing compiled to WebAssembly), the page stays quick.

const EVERY_MS = 120;
const AGAIN_MS = 2500; // the same label held before the camera counts once; the next label at once

export class Camera {
  constructor(video, onscan) {
    this.video = video;
    this.onscan = onscan;
    this.last = { text: "", at: 0 };
    this.stream = null;
    this.worker = null;
    this.busy = false;
    this.timer = 0;
  }

  // Throws an Error with words for the person when there is no camera to use.
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("这里不能用摄像头：需要通过 HTTPS 打开本页。可用扫码枪或手工录入");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
      });
    } catch (error) {
      throw new Error(error.name === "NotAllowedError" ? "没有摄像头权限：请在浏览器设置里允许，或用扫码枪、手工录入" : "摄像头打不开，请用扫码枪或手工录入");
    }
    this.worker = new Worker(new URL("decode-worker.js", import.meta.url));
    this.worker.onmessage = ({ data }) => this.decoded(data);
    this.video.srcObject = this.stream;
    await this.video.play();
    this.canvas = document.createElement("canvas");
    this.timer = setInterval(() => this.grab(), EVERY_MS);
  }

  grab() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (this.busy || !width) return;
    this.busy = true;
    this.canvas.width = width;
    this.canvas.height = height;
    const pen = this.canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(this.video, 0, 0, width, height);
    const frame = pen.getImageData(0, 0, width, height);
    this.worker.postMessage(frame, [frame.data.buffer]);
  }

  decoded({ text, error }) {
    this.busy = false;
    if (error) console.error("decode:", error);
    const now = performance.now();
    if (!text || (text === this.last.text && now - this.last.at < AGAIN_MS)) {
      if (text) this.last.at = now;
      return;
    }
    this.last = { text, at: now };
    this.onscan(text);
  }

  get torch() {
    return this.stream?.getVideoTracks()[0]?.getCapabilities?.().torch ?? false;
  }

  light(on) {
    return this.stream?.getVideoTracks()[0]?.applyConstraints({ advanced: [{ torch: on }] });
  }

  stop() {
    clearInterval(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.worker?.terminate();
    this.stream = this.worker = null;
    this.video.srcObject = null;
  }
}
