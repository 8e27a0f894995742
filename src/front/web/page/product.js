// Products as they are shown: the picture, the card in a conversation, the dialog.

import { api, dialogHead, el, foreign, label, openDialog, outLink, t, visible, webLink } from "./common.js";

const seen = new Map();

/** Keeps what the server sent along, so that opening it needs no further request. */
export function remember(product) {
  seen.set(product.id, product);
}

export function title(product) {
  return visible(product.title || product.id);
}

export function picture(image, { large = false, alt = "" } = {}) {
  if (image === null || image === undefined) return el("span", { class: "no-picture", icon: "photo" });
  const source = `/api/images/${image}/${large ? "picture" : "thumbnail"}`;
  const node = el("img", { src: source, alt, loading: large ? "eager" : "lazy", decoding: "async" });
  // A picture may have been removed since the list was made.
  node.addEventListener("error", () => node.replaceWith(picture(null)), { once: true });
  return node;
}

/** A product within a conversation. */
export function card(product) {
  remember(product);
  const open = foreign("button", product.title || product.id, { type: "button", class: "card-title" });
  open.addEventListener("click", () => openProduct(product.id));
  return el(
    "article",
    { class: "product-card" },
    el("div", { class: "card-picture" }, picture(product.images?.[0])),
    el("div", { class: "card-words" }, open, foreign("p", product.description, { class: "clamped" })),
  );
}

/** Opens the dialog of a product; `onProblem` hears when it cannot be had. */
export async function openProduct(id, onProblem = () => {}) {
  try {
    const product = seen.get(id) ?? (await api("GET", `/api/products/${encodeURIComponent(id)}`));
    remember(product);
    show(product);
  } catch (problem) {
    onProblem(problem);
  }
}

function show(product) {
  const heading = foreign("h2", title(product), { id: "product-title" });
  const dialog = el(
    "dialog",
    { class: "product-dialog", "aria-labelledby": "product-title" },
    dialogHead(heading),
    el("div", { class: "dialog-body" }, details(product)),
  );
  openDialog(dialog);
}

/** Pictures, words, attributes and link of a product. */
export function details(product) {
  const link = webLink(product.url);
  const foot = el(
    "p",
    { class: "product-foot" },
    link && outLink(link, el("span", { text: t("web-product-page") }), el("span", { class: "inline-icon", icon: "link" })),
    foreign("code", product.id, { class: "id" }),
  );
  const facts = el(
    "div",
    { class: "facts" },
    foreign("p", product.description, { class: "description" }),
    attributes(product),
    foot,
  );
  return el("div", { class: "details" }, gallery(product), facts);
}

function gallery(product) {
  const images = product.images ?? [];
  const name = title(product);
  const stage = el("div", { class: "stage" }, picture(images[0] ?? null, { large: true, alt: name }));
  if (images.length < 2) return el("div", { class: "gallery" }, stage);
  const strip = el("div", { class: "strip" });
  images.forEach((image, index) => {
    const choose = el("button", { type: "button", "aria-pressed": String(index === 0) }, picture(image));
    label(choose, t("web-picture-of", { number: index + 1, total: images.length }));
    choose.addEventListener("click", () => {
      stage.replaceChildren(picture(image, { large: true, alt: name }));
      for (const other of strip.children) other.setAttribute("aria-pressed", String(other === choose));
    });
    strip.append(choose);
  });
  return el("div", { class: "gallery" }, stage, strip);
}

function attributes(product) {
  const rows = Object.entries(product.attributes ?? {}).filter(([key]) => !product.url || key.toLowerCase() !== "url");
  if (!rows.length) return null;
  const list = el("dl", { class: "attributes" });
  for (const [key, value] of rows) {
    list.append(el("div", {}, foreign("dt", readable(key)), foreign("dd", value)));
  }
  return list;
}

/** `in_the_box` as people write it. */
function readable(key) {
  const words = visible(key).replaceAll("_", " ");
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
