// Errors in words, and what to do about them.

const LEDGER = "The provider may have been paid. The edit is in the server's ledger; ask again only if it is worth a second one.";
const OPERATOR = "Whoever runs this server can mend that: nothing is wrong with your edit.";

const OF_CODE = {
  mask_required: ["Paint over what it is about.", "mask"],
  image_required: ["Add a second image.", "images"],
  mask_covers_everything: ["Leave something unpainted: what is erased is filled from what remains.", "mask"],
  prompt_not_understood: ["Say it in the words of the list, or choose a model that takes any prompt.", "examples"],
  unsupported_parameter: ["Leave that out, or choose another model.", "param"],
  edit_takes_too_long: ["Ask for less at a time, or send a smaller picture.", "prompt"],
  insufficient_quota: ["The budget is spent. It begins anew, or somebody raises it.", null],
  moderation_blocked: ["Change the words or the picture.", "prompt"],
  model_not_found: ["Choose another model.", "model"],
  model_not_allowed: ["Choose another model: this key may not use that one.", "model"],
  edit_expired: ["It was here, and is not kept any more. Start it again.", null],
  edit_not_found: ["The server does not know it: perhaps it was started anew. Start the edit again.", null],
  stream_closed: ["It is too old, or its key was taken back. Start it again.", null],
  server_shutting_down: ["The server is being restarted. Try again in a moment.", null],
  interrupted: [LEDGER, null],
  upstream_unauthorized: [OPERATOR, null],
  upstream_payment_required: [OPERATOR, null],
  storage_full: [OPERATOR, null],
  cancelled: ["Nothing more will come of it.", null],
};

const OF_STATUS = {
  0: ["Is the server running, and is there a network? An edit that has begun goes on without this page.", null],
  401: ["Give the key that opens this server.", "key"],
  403: ["This key may not do that. Another one may.", "key"],
  404: ["It is not there, or not yours.", null],
  408: ["The upload was too slow, or the provider was. Try again, perhaps with a smaller picture.", null],
  413: ["Choose a smaller picture.", "images"],
  429: ["There is as much to do as there may be.", null],
  500: [OPERATOR, null],
  502: ["The provider did not manage. Try again, or choose another model.", "model"],
  503: ["Not now. Try again in a moment.", null],
  504: [LEDGER, null],
};

const PLACES = { image: "images", "image[]": "images", images: "images", mask: "mask", prompt: "prompt", model: "model" };

// {message, details, advice, place, suggestions}: `place` names where to mend it; `suggestions` are prompts that will do.
export function adviceOn({ status, code, param, message, retryAfter_s }) {
  const [told, where] = OF_CODE[code] ?? OF_STATUS[status] ?? [param ? "Change it, and try again." : "Try again.", null];
  const wait = retryAfter_s ? ` Try again in ${Math.ceil(retryAfter_s)} s.` : "";
  const [short, details] = shortened(message);
  return { message: short, details, advice: told + wait, place: placeOf(where, param), suggestions: suggestionsIn(message) };
}

function placeOf(where, param) {
  if (where && where !== "param") return where;
  return param ? (PLACES[param] ?? param) : null;
}

// The darkroom tells the nearest that it can do, in quotes, and then all that it can do.
function suggestionsIn(message) {
  const [, nearest] = /The nearest that it can do: (.*?)\. All that/.exec(message) ?? [];
  return nearest ? [...nearest.matchAll(/'([^']+)'(?=;|$)/g)].map(([, text]) => text) : [];
}

function shortened(message) {
  const at = message.search(/ The nearest that it can do| All that it can do/);
  return at < 0 ? [message, ""] : [message.slice(0, at), message.slice(at + 1)];
}
