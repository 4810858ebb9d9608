// Vercel's AI SDK as a client: its `generateImage` edits when the prompt has images.
// node ai_sdk.mjs ACT BASE_URL KEY MODEL FILE...: does one act with the files and prints what it saw as JSON.

import { readFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";

const [act, baseURL, apiKey, model, ...paths] = process.argv.slice(2);
const openai = createOpenAI({ baseURL, apiKey });
const compatible = createOpenAICompatible({ name: "streamedit", baseURL, apiKey });
const files = paths.map((path) => readFileSync(path));
const shown = ({ images, warnings }) => ({ images: images.map((image) => [image.mediaType, image.base64]), warnings });

const acts = {
  async one() {
    return shown(await generateImage({ model: openai.image(model), prompt: { text: "sepia", images: files } }));
  },

  async several() {
    const [first, second, mask] = files;
    const options = { quality: "high", background: "opaque", outputFormat: "png", inputFidelity: "high", user: "u-1" };
    return shown(
      await generateImage({
        model: openai.image(model),
        prompt: { text: "sepia", images: [first, second], mask },
        n: 2,
        size: "1024x1024",
        providerOptions: { openai: options },
      }),
    );
  },

  async compatible() {
    const providerOptions = { streamedit: { quality: "high", output_format: "webp" } };
    return shown(
      await generateImage({ model: compatible.imageModel(model), prompt: { text: "sepia", images: files }, providerOptions }),
    );
  },

  async refused() {
    try {
      await generateImage({ model: openai.image(model), prompt: { text: "sepia", images: files }, maxRetries: 0 });
      return null;
    } catch (error) {
      return { name: error.name, status: error.statusCode, message: error.message };
    }
  },
};

console.log(JSON.stringify(await acts[act]()));
