// Numbers as people read them. Days and hours are UTC's, as budgets and the ledger have them.

const WHOLE = new Intl.NumberFormat("en");
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const DAY = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });
const DATE = new Intl.DateTimeFormat("en", { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" });
const HOUR = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
const PERIODS = { "1h": "hour", "1d": "day", "1w": "week", "1mo": "month", total: "lifetime" };

export const count = (number) => WHOLE.format(number);
export const compact = (number) => (Math.abs(number) < 100_000 ? WHOLE.format(number) : COMPACT.format(number));
export const day = (time_s) => DAY.format(time_s * 1000);
export const date = (time_s) => DATE.format(time_s * 1000);
export const hour = (time_s) => HOUR.format(time_s * 1000);
export const period = (name) => PERIODS[name] ?? name;

export function dollars(micros) {
  const amount = micros / 1e6;
  const digits = amount !== 0 && Math.abs(amount) < 0.1 ? 4 : 2;
  if (Math.abs(amount) >= 10_000) return `$${COMPACT.format(amount)}`;
  return amount.toLocaleString("en", { style: "currency", currency: "USD", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

// Of an axis: as few digits as its steps need.
export function roundDollars(micros) {
  const amount = micros / 1e6;
  return amount >= 10_000 ? `$${COMPACT.format(amount)}` : `$${amount.toLocaleString("en", { maximumFractionDigits: 4 })}`;
}

export function share(part, whole) {
  if (!whole) return "–";
  const percent = (part / whole) * 100;
  // What is not all must not look as if it were.
  return `${percent > 99.9 && part < whole ? "99.9" : percent.toFixed(percent === 100 ? 0 : 1)}%`;
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value > 0 && value < 1) return `${Math.round(value * 1000)} ms`;
  return value < 100 ? `${Number(value.toFixed(1))} s` : `${Math.round(value)} s`;
}

export function ago(time_s, now_s) {
  const past = now_s - time_s;
  if (past < 90) return "just now";
  if (past < 5400) return `${Math.round(past / 60)} min ago`;
  if (past < 129_600) return `${Math.round(past / 3600)} h ago`;
  return `${Math.round(past / 86_400)} days ago`;
}
