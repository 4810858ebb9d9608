// A request as code that does the same: for a shell, for Python with OpenAI's package, for JavaScript without any package.

import { partsOf } from "./request.js";

export const LANGUAGES = [["curl", asCurl], ["Python", asPython], ["JavaScript", asJavaScript]];

const KEY = "STREAMEDIT_KEY";
const PYTHONS_NUMBERS = new Set(["n", "partial_images", "output_compression"]);
const PYTHONS_OWN = new Set([...PYTHONS_NUMBERS, "model", "prompt", "size", "quality", "background", "output_format", "stream"]);

// `base`: the server's address without a slash at its end. `keyed`: a key is needed, which is told by the environment.
function asCurl(request, { base, keyed }) {
  const options = partsOf(request).map(([name, value, filename]) =>
    filename === undefined ? `--form-string ${shell(`${name}=${value}`)}` : `-F ${shell(`${name}=@${quoted(filename)}`)}`,
  );
  if (keyed) options.unshift(`-H "Authorization: Bearer $${KEY}"`);
  return [`curl -N ${shell(`${base}/v1/images/edits`)}`, ...options].join(" \\\n  ");
}

// What is no letter cannot be seen, and is easily lost on the way to a terminal.
function shell(text) {
  if (!/[\r\n\t]/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = text.replace(/[\\']/g, "\\$&").replaceAll("\r", "\\r").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return `$'${escaped}'`;
}

// curl ends a file's name at a comma or a semicolon, unless it is quoted.
const quoted = (name) => (/[,;"\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name);

function asPython(request, { base, keyed }) {
  const { prompt } = Object.fromEntries(partsOf(request));
  const opened = request.images.map(({ name }) => `open(${text(name)}, "rb")`);
  const given = [
    `model=${text(request.model)}`,
    `prompt=${text(prompt)}`,
    `image=${opened.length > 1 ? `[${opened.join(", ")}]` : opened[0]}`,
    ...(request.mask ? ['mask=open("mask.png", "rb")'] : []),
    ...request.fields.filter(([name]) => PYTHONS_OWN.has(name)).map(([name, value]) => `${name}=${pythonValue(name, value)}`),
    "stream=True",
    ...furtherFields(request.fields),
  ];
  const key = keyed ? `os.environ["${KEY}"]` : '"none"';
  return `import base64
${keyed ? "import os\n" : ""}
from openai import OpenAI

client = OpenAI(base_url=${text(`${base}/v1`)}, api_key=${key})
stream = client.images.edit(
${given.map((argument) => `    ${argument},`).join("\n")}
)
for number, event in enumerate(stream):
    print(event.type)
    with open(f"edit-{number}.${suffix(request)}", "wb") as file:
        file.write(base64.b64decode(event.b64_json))
`;
}

function furtherFields(fields) {
  const further = fields.filter(([name]) => !PYTHONS_OWN.has(name));
  if (!further.length) return [];
  return [`extra_body={${further.map(([name, value]) => `${text(name)}: ${text(value)}`).join(", ")}}`];
}

const pythonValue = (name, value) => (PYTHONS_NUMBERS.has(name) ? value : text(value));

function asJavaScript(request, { base, keyed }) {
  const appended = partsOf(request).map(([name, value, filename]) => {
    const given = filename === undefined ? text(value) : `await openAsBlob(${text(filename)}), ${text(filename)}`;
    return `form.append(${text(name)}, ${given});`;
  });
  const headers = keyed ? `, headers: { authorization: \`Bearer \${process.env.${KEY}}\` }` : "";
  return `import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";

const form = new FormData();
${appended.join("\n")}

const answer = await fetch(${text(`${base}/v1/images/edits`)}, { method: "POST", body: form${headers} });
if (!answer.ok) throw new Error(await answer.text());

let number = 0;
let unread = "";
for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
  const frames = (unread + piece).split("\\n\\n");
  unread = frames.pop();
  for (const frame of frames) {
    const data = frame.split("\\n").find((line) => line.startsWith("data: "));
    if (!data) continue;
    const event = JSON.parse(data.slice(6));
    if (event.error) throw new Error(event.error.message);
    console.log(event.type);
    await writeFile(\`edit-\${number++}.${suffix(request)}\`, Buffer.from(event.b64_json, "base64"));
  }
}
`;
}

// JSON's text is Python's and JavaScript's as well.
const text = (value) => JSON.stringify(value);

function suffix({ fields }) {
  const format = fields.find(([name]) => name === "output_format")?.[1] ?? "png";
  return format === "jpeg" ? "jpg" : format;
}
