// What every page needs: the session, its words, the API and how elements are made.

import { icon } from "./icons.js";

/** What GET /api/me said; filled by `start`. */
export const me = { strings: {}, limits: {} };

/** A request that was not fulfilled; `detail` is the sentence to show. */
export class Problem extends Error {
  constructor({ status = 0, detail, reference, retry_after, duplicate }) {
    super(detail);
    Object.assign(this, { status, detail, reference, duplicate, retryAfter: retry_after });
  }

  /** Whether the same request could succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Loads the session and puts the page's words in place. False: the server does not answer. */
export async function start() {
  themeButton();
  try {
    await refresh();
  } catch {
    document.getElementById("unreachable").hidden = false;
    return false;
  }
  document.documentElement.lang = me.language;
  document.title = t(document.documentElement.dataset.title);
  words(document);
  document.body.classList.add("ready");
  return true;
}

export async function refresh() {
  Object.assign(me, await api("GET", "/api/me"));
}

/** The words for `key`, with `{name}` filled in. */
export function t(key, values = {}) {
  const text = me.strings[key] ?? key;
  return text.replace(/\{\s*([\w-]+)\s*\}/g, (_, name) => String(values[name] ?? ""));
}

/** Fills the elements under `root` that say which words or icon they carry. */
export function words(root) {
  for (const node of root.querySelectorAll("[data-icon]")) node.prepend(icon(node.dataset.icon));
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) label(node, t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-placeholder]")) {
    node.placeholder = t(node.dataset.tPlaceholder);
  }
}

/** Names a control that shows only an icon. */
export function label(node, text) {
  node.setAttribute("aria-label", text);
  node.title = text;
}

/** JSON in, JSON out (`null` for an empty response); throws `Problem`. */
export async function api(method, path, body) {
  const options = { method, headers: { Accept: "application/json" } };
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await reach(path, options);
  return response.status === 204 ? null : response.json();
}

/** `fetch` that throws `Problem` for every failure but an abort. */
export async function reach(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ detail: t("web-offline") });
  }
  if (!response.ok) throw problem(response.status, await response.text());
  return response;
}

/** A form sent with its progress (0 to 1) told to `onProgress`; throws `Problem`. */
export function upload(path, form, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total);
    request.onerror = () => reject(new Problem({ detail: t("web-offline") }));
    request.onload = () => {
      const ok = request.status >= 200 && request.status < 300;
      if (!ok) reject(problem(request.status, request.responseText));
      else resolve(JSON.parse(request.responseText));
    };
    request.send(form);
  });
}

/** What a failed response says; a proxy in between may answer without saying anything. */
function problem(status, text) {
  const unsaid = { detail: t("web-no-detail", { status }) };
  try {
    return new Problem({ ...unsaid, ...JSON.parse(text), status });
  } catch {
    return new Problem({ ...unsaid, status });
  }
}

/** Signs in with the token of a `#token=` link; the token leaves the address bar first. */
export async function tokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  await api("POST", "/api/login", { token });
  await refresh();
}

/**
 * An element. Properties: `class`, `text`, `icon`, `on<event>` handlers, `null` and `false` for
 * "not set", anything else an attribute. Children: nodes and strings.
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "icon") node.append(icon(value));
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Words of users or of the catalogue: plain, in their own direction, without hidden marks. */
export function foreign(tag, text, properties = {}) {
  return el(tag, { dir: "auto", ...properties, text: visible(text) });
}

/** Drops the marks that reverse or hide text; they could make one name look like another. */
export function visible(text) {
  return String(text ?? "").replace(
    /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu,
    "",
  );
}

/** An http or https address, or null. */
export function webLink(url) {
  return typeof url === "string" && /^https?:\/\//i.test(url) ? url : null;
}

export function outLink(url, ...children) {
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(me.language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return new Intl.NumberFormat(me.language, {
    style: "unit",
    unit: units[step],
    maximumFractionDigits: step ? 1 : 0,
  }).format(bytes / 1000 ** step);
}

/** A random name for a conversation; `randomUUID` is missing outside HTTPS. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Calls `onFiles` for files dropped anywhere; `<html class="dropping">` while they hover. */
export function dropAnywhere(onFiles) {
  const root = document.documentElement;
  const carriesFiles = (e) => e.dataTransfer?.types.includes("Files");
  let depth = 0;
  const leave = () => {
    depth = 0;
    root.classList.remove("dropping");
  };
  addEventListener("dragenter", (e) => {
    if (!carriesFiles(e)) return;
    depth += 1;
    root.classList.add("dropping");
  });
  addEventListener("dragover", (e) => carriesFiles(e) && e.preventDefault());
  addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) leave();
  });
  addEventListener("drop", (e) => {
    if (!carriesFiles(e)) return;
    e.preventDefault();
    leave();
    if (e.dataTransfer.files.length) onFiles([...e.dataTransfer.files]);
  });
}

/** Opens `dialog` (removed again when closed); a click beside it closes it. */
export function openDialog(dialog) {
  const before = document.activeElement;
  dialog.addEventListener("click", (e) => e.target === dialog && dialog.requestClose?.());
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** The head of a dialog: its title and the button that closes it. */
export function dialogHead(title) {
  const close = el("button", { type: "button", class: "quiet round", icon: "close" });
  label(close, t("web-close"));
  close.addEventListener("click", () => close.closest("dialog").close());
  return el("header", { class: "dialog-head" }, title, close);
}

function themeButton() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const button = document.getElementById("theme");
  const show = () => {
    button.replaceChildren(icon(dark() ? "sun" : "moon"));
    const paper = getComputedStyle(root).backgroundColor;
    for (const meta of document.querySelectorAll("meta[name='theme-color']")) meta.content = paper;
  };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("magpie-theme", root.dataset.theme);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}
