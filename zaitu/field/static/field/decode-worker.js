// A classic worker: zxing-wasm's reader comes as one script.
/* global ZXingWASM, importScripts */
const vendor = new URL("../vendor/zxing/", self.location.href).href;
importScripts(`${vendor}reader.js`);
ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => `${vendor}zxing_reader.wasm` } });

const OPTIONS = { formats: ["Code128", "QRCode", "Code39", "DataMatrix"], tryHarder: true, tryRotate: true, maxNumberOfSymbols: 1 };

self.onmessage = async ({ data: frame }) => {
  try {
    const found = await ZXingWASM.readBarcodes(frame, OPTIONS);
    self.postMessage({ text: found.length ? found[0].text : "" });
  } catch (error) {
    self.postMessage({ text: "", error: String(error) });
  }
};
