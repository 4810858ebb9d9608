// Pictures as browsers have them.

const KINDS = [["iVBOR", "image/png"], ["/9j/", "image/jpeg"], ["UklGR", "image/webp"], ["AAAA", "image/avif"], ["PD94", "image/svg+xml"], ["PHN2", "image/svg+xml"]];
const SUFFIXES = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif", "image/svg+xml": "svg" };

// The picture of an event: a blob, or null when its provider tells only where it is.
export function pictureOf({ b64_json: text }) {
  if (!text) return null;
  const type = KINDS.find(([head]) => text.startsWith(head))?.[1] ?? "image/png";
  return new Blob([bytesOf(text)], { type });
}

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export const suffixOf = (blob) => SUFFIXES[blob.type] ?? "png";
export const stemOf = (name) => name.replace(/\.[^.]*$/, "") || "photograph";

// An image element that has been decoded; null for what this browser cannot show (HEIC, TIFF ...).
export async function decoded(address) {
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}

// A small picture of it, for lists.
export async function thumbnail(blob, side_px = 160) {
  const address = URL.createObjectURL(blob);
  const image = await decoded(address);
  URL.revokeObjectURL(address);
  if (!image?.naturalWidth) return null;
  const scale = Math.min(1, side_px / Math.min(image.naturalWidth, image.naturalHeight));
  const canvas = new OffscreenCanvas(Math.ceil(image.naturalWidth * scale), Math.ceil(image.naturalHeight * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/webp", quality: 0.8 });
}
