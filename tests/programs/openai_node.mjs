// OpenAI's package for Node, as a client.
// node openai_node.mjs ACT BASE_URL KEY FILE...: does one act with the files and prints what it saw as JSON.

import { createReadStream, readFileSync } from "node:fs";
import OpenAI, { toFile } from "openai";

const [act, baseURL, apiKey, ...paths] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const streams = () => paths.map((path) => createReadStream(path));
const files = () => Promise.all(paths.map((path) => toFile(readFileSync(path), "photo.png", { type: "image/png" })));

async function refusal(body) {
  try {
    const answer = await client.images.edit({ prompt: "sepia", ...body });
    if (body.stream) for await (const _ of answer);
    return null;
  } catch (error) {
    const { status = null, code, param, requestID } = error;
    return { name: error.constructor.name, status, code, param, has_id: /^req_/.test(requestID ?? "") };
  }
}

const acts = {
  async plain() {
    const [image] = await files();
    return client.images.edit({ model: "darkroom", image, prompt: "sepia", size: "64x64" });
  },

  // A file stream has no known length: the upload is chunked.
  async chunked() {
    const [image] = streams();
    return client.images.edit({ model: "darkroom", image, prompt: "sepia", size: "64x64" });
  },

  async several() {
    const [first, second, mask] = streams();
    return client.images.edit({ model: "darkroom", image: [first, second], mask, prompt: "sepia", n: 2, output_format: "webp" });
  },

  async stream() {
    const [image] = streams();
    const seen = [];
    const stream = await client.images.edit({ model: "darkroom", image, prompt: "sepia", stream: true, partial_images: 3 });
    for await (const event of stream) seen.push([event.type, event.partial_image_index ?? null, event.b64_json.slice(0, 8)]);
    return seen;
  },

  async errors() {
    const image = () => createReadStream(paths[0]);
    return [
      await refusal({ model: "nobody", image: image() }),
      await refusal({ model: "mock", image: image(), n: 11 }),
      await refusal({ model: "mock", image: image(), mock_fault: "rate_limit" }),
      await refusal({ model: "mock", image: image(), mock_fault: "unavailable" }),
      await refusal({ model: "mock", image: image(), stream: true, partial_images: 1, mock_fault: "truncate" }),
    ];
  },

  async unauthorized() {
    return refusal({ model: "gpt-image-2", image: createReadStream(paths[0]) });
  },

  async abort() {
    const seen = [];
    const body = { model: "mock", image: createReadStream(paths[0]), prompt: "p", stream: true, partial_images: 3, mock_pace_s: 0.1 };
    const stream = await client.images.edit(body);
    for await (const event of stream) {
      seen.push(event.type);
      stream.controller.abort();
    }
    return seen;
  },

  // The platform's own form, without the package.
  async form() {
    const form = new FormData();
    form.append("image", new Blob([readFileSync(paths[0])]));
    form.append("stream", "true");
    form.append("prompt", "sepia");
    const headers = { authorization: `Bearer ${apiKey}` };
    const answer = await fetch(`${baseURL}/images/edits`, { method: "POST", body: form, headers });
    return (await answer.text()).split("\n").filter((line) => line.startsWith("event: "));
  },
};

console.log(JSON.stringify(await acts[act]()));
