// The mask that somebody paints: a canvas of the picture's own size, opaque where the picture is to be edited.
//
// What was done is kept as a list of steps, and done again to undo the last of them: a picture of twelve megapixels is too large
// to be kept once for each stroke.

const COLOUR = "#2f6bff";

export class Mask {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.changed = changed;
    this.steps = [];
    this.undone = [];
    this.feather = 0;
  }

  reset(width, height) {
    Object.assign(this.canvas, { width, height });
    this.steps = [];
    this.undone = [];
    this.changed();
  }

  // A stroke begins: `diameter` in the picture's pixels.
  begin(point, diameter, erases) {
    this.stroke = { kind: "stroke", erases, diameter, points: [point] };
    this.piece(this.stroke, 0);
  }

  extend(point) {
    if (!this.stroke) return;
    this.stroke.points.push(point);
    this.piece(this.stroke, this.stroke.points.length - 1);
  }

  end() {
    if (!this.stroke) return;
    this.add(this.stroke);
    this.stroke = null;
  }

  invert() {
    this.do({ kind: "invert" });
  }

  clear() {
    this.do({ kind: "clear" });
  }

  // A mask as it is sent, which was kept: it is the ground of what is painted from now on.
  restore(image) {
    this.do({ kind: "sent", image });
  }

  undo() {
    if (!this.steps.length) return;
    this.undone.push(this.steps.pop());
    this.again();
  }

  redo() {
    if (!this.undone.length) return;
    this.steps.push(this.undone.pop());
    this.again();
  }

  do(step) {
    this.draw(step);
    this.add(step);
  }

  add(step) {
    this.steps.push(step);
    this.undone = [];
    this.changed();
  }

  again() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const step of this.steps) this.draw(step);
    this.changed();
  }

  draw(step) {
    const { context, canvas } = this;
    if (step.kind === "stroke") return step.points.forEach((_, index) => this.piece(step, index));
    if (step.kind === "clear") return context.clearRect(0, 0, canvas.width, canvas.height);
    const whole = [0, 0, canvas.width, canvas.height];
    if (step.kind === "invert") return this.over("xor", () => context.fillRect(...whole));
    this.over("source-over", () => context.fillRect(...whole));
    return this.over("destination-out", () => context.drawImage(step.image, ...whole));
  }

  // A stroke is drawn piece by piece, and so it is drawn again: its edges come out the same.
  piece({ erases, diameter, points }, index) {
    const { context } = this;
    this.over(erases ? "destination-out" : "source-over", () => {
      context.beginPath();
      if (index === 0) {
        context.arc(...points[0], diameter / 2, 0, 2 * Math.PI);
        context.fill();
        return;
      }
      Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: diameter });
      context.moveTo(...points[index - 1]);
      context.lineTo(...points[index]);
      context.stroke();
    });
  }

  over(operation, drawn) {
    Object.assign(this.context, { globalCompositeOperation: operation, fillStyle: COLOUR, strokeStyle: COLOUR });
    drawn();
    this.context.globalCompositeOperation = "source-over";
  }

  // The mask as OpenAI has it: a PNG of the picture's size, transparent where it is to be edited; null when nothing is painted.
  png(feather = this.feather) {
    const { width, height } = this.canvas;
    const { data } = this.context.getImageData(0, 0, width, height);
    const worker = new Worker(new URL("mask-png.js", import.meta.url), { type: "module" });
    return new Promise((done, failed) => {
      worker.onmessage = ({ data: png }) => done(png);
      worker.onerror = ({ message }) => failed(new Error(message));
      worker.postMessage({ data, width, height, feather }, [data.buffer]);
    }).finally(() => worker.terminate());
  }
}
