// Elements of text and other elements. Names of keys and end users are whatever somebody typed: they are text, never markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function drawing(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// `columns`: {title, className, cell(row) -> text or element}; the first names its row.
export function table(caption, columns, rows) {
  const head = columns.map((column) => element("th", { scope: "col", class: column.className }, column.title));
  const body = rows.map((row) => element("tr", {}, ...columns.map((column, index) => cell(column, index, row))));
  return element(
    "table",
    { "aria-label": caption },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...body),
  );
}

function cell(column, index, row) {
  const tag = index === 0 ? "th" : "td";
  return element(tag, { scope: index === 0 ? "row" : null, class: column.className, "data-title": column.title }, column.cell(row));
}

export function empty(text) {
  return element("div", { class: "empty" }, text);
}

// Parts of a whole as one bar; `parts`: {className, share}, shares between 0 and 1.
export function bar(parts, label) {
  let left = 0;
  const drawn = parts.map(({ className, share }) => {
    const width = Math.min(Math.max(share, 0), 1 - left);
    const x = left;
    left += width;
    return drawing("rect", { class: className, x: x * 100, width: width * 100, height: 6 });
  });
  const said = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return drawing("svg", { class: "bar-of", viewBox: "0 0 100 6", preserveAspectRatio: "none", ...said }, ...drawn);
}

export function tell(place, error) {
  place.textContent = error ? error.message : "";
  place.hidden = !error;
}
