// A request as plain data, which is what is sent, what is kept for a reload, and what is shown as code.
//
// {model, prompt, images: [File], mask: Blob or null, fields: [[name, text]]}

// Every part in its order: [name, text], or [name, blob, filename]. Lines end as forms of browsers have them, so that code which
// is no browser sends the same.
export function partsOf({ model, prompt, images, mask, fields }) {
  const name = images.length > 1 ? "image[]" : "image";
  return [
    ["model", model],
    ["prompt", prompt.replace(/\r?\n/g, "\r\n")],
    ...images.map((image) => [name, image, image.name]),
    ...(mask ? [["mask", mask, "mask.png"]] : []),
    ...fields,
    ["stream", "true"],
  ];
}

export function formOf(request) {
  const form = new FormData();
  for (const part of partsOf(request)) form.append(...part);
  return form;
}

export const imagesWanted = ({ fields }) => Number(fields.find(([name]) => name === "n")?.[1] ?? 1);
