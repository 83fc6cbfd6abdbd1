// Makes a screenshot small: at most 256 colours, those that most of it has, and the strongest compression.
import { crc32, deflateSync } from "node:zlib";

const COLOURS = 256;
const APART = 5; // Colours nearer than this, in every channel, count as one.

const channels = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255];
const distance = (one, two) => Math.max(...channels(one).map((value, index) => Math.abs(value - channels(two)[index])));

/** From the most frequent on, those that are apart from each other. */
function palette(pixels) {
  const counts = new Map();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const chosen = [];
  for (const [colour] of [...counts].sort(([, one], [, two]) => two - one)) {
    if (chosen.length < COLOURS && chosen.every((other) => distance(colour, other) >= APART)) chosen.push(colour);
  }
  const nearest = (colour) => chosen.reduce((best, other, index) => (distance(colour, other) < distance(colour, chosen[best]) ? index : best), 0);
  return { chosen, places: new Map([...counts.keys()].map((colour) => [colour, nearest(colour)])) };
}

function chunk(name, content) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** The bytes of a PNG (the specification's colour type 3) of these pixels, each red, green and blue in one number. */
function encoded(width, height, pixels) {
  const { chosen, places } = palette(pixels);
  const rows = Buffer.alloc((width + 1) * height);
  pixels.forEach((colour, at) => (rows[Math.floor(at / width) * (width + 1) + (at % width) + 1] = places.get(colour)));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [["IHDR", head], ["PLTE", Buffer.from(chosen.flatMap(channels))], ["IDAT", deflateSync(rows, { level: 9 })], ["IEND", Buffer.alloc(0)]];
  return Buffer.concat([signature, ...parts.map(([name, content]) => chunk(name, content))]);
}

/** A screenshot with fewer bytes; the browser reads the one it made. */
export async function smaller(page, png) {
  const { width, height, pixels } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const pixels = Array.from({ length: data.length / 4 }, (_, at) => (data[at * 4] << 16) | (data[at * 4 + 1] << 8) | data[at * 4 + 2]);
    return { width: bitmap.width, height: bitmap.height, pixels };
  }, png.toString("base64"));
  return encoded(width, height, pixels);
}
