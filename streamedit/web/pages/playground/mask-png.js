// A worker: of what was painted it makes the mask that is sent. A large photograph is too much work for the page itself, and
// browsers let pages wait for seconds until they encode a picture.

const PASSES = 3;

// `data`: the painted canvas as RGBA; `feather`: how far its edges reach to either side, in pixels.
onmessage = async ({ data: { data, width, height, feather } }) => {
  const painted = alphaOf(data);
  postMessage(painted.some(Boolean) ? await png(softened(painted, width, height, feather), width, height) : null);
};

function alphaOf(data) {
  const alpha = new Float32Array(data.length / 4);
  for (let at = 0; at < alpha.length; at += 1) alpha[at] = data[at * 4 + 3];
  return alpha;
}

function png(painted, width, height) {
  const image = new ImageData(width, height);
  image.data.fill(255);
  for (let at = 0; at < painted.length; at += 1) image.data[at * 4 + 3] = 255 - Math.round(painted[at]);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

function softened(alpha, width, height, radius) {
  const reach = Math.round(radius / PASSES);
  if (reach < 1) return alpha;
  let [from, to] = [alpha, new Float32Array(alpha.length)];
  for (let pass = 0; pass < PASSES; pass += 1) {
    means(from, to, { lines: height, length: width, step: 1, stride: width }, reach);
    means(to, from, { lines: width, length: height, step: width, stride: 1 }, reach);
  }
  return from;
}

// Running means along each line; beyond its ends a line goes on as it ends.
function means(from, to, { lines, length, step, stride }, reach) {
  const window = 2 * reach + 1;
  for (let line = 0; line < lines; line += 1) {
    const start = line * stride;
    const value = (at) => from[start + Math.min(Math.max(at, 0), length - 1) * step];
    let sum = 0;
    for (let at = -reach; at <= reach; at += 1) sum += value(at);
    for (let at = 0; at < length; at += 1) {
      to[start + at * step] = sum / window;
      sum += value(at + reach + 1) - value(at - reach);
    }
  }
}
