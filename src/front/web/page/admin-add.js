// The dialog that adds a product.

import { api, dialogHead, el, number, openDialog, t, upload, visible } from "./common.js";
import { Attributes, Pictures, Progress, alertLine, field } from "./admin-form.js";
import { picture } from "./product.js";

/** Opens it with `files`; `onAdded(words)` runs after the product is in the catalogue. */
export function addProduct(files, onAdded) {
  const pictures = new Pictures(files);
  const title = field("input", { words: t("web-title"), name: "title", autocomplete: "off" });
  const id = field("input", { words: t("web-id"), hint: t("web-id-hint"), name: "id", autocomplete: "off" });
  const description = field("textarea", {
    words: t("web-description"), hint: t("web-description-hint"), name: "description", rows: "4",
  });
  const attributes = new Attributes();
  const progress = new Progress();
  const alert = alertLine();
  const twin = el("div", { "aria-live": "polite" });
  const save = el("button", { type: "submit", class: "primary" }, el("span", { text: t("web-save") }));
  const cancel = el("button", { type: "button" }, el("span", { text: t("web-cancel") }));
  const form = el(
    "form",
    { class: "dialog-form", novalidate: true },
    el("div", { class: "field" }, el("span", { text: t("web-add-pictures") }), pictures.element, el("small", { text: t("web-add-pictures-hint") })),
    el("div", { class: "two" }, title.element, id.element),
    description.element,
    attributes.element,
    alert.element,
    twin,
    progress.element,
    el("div", { class: "dialog-foot" }, cancel, save),
  );
  const dialog = el(
    "dialog",
    { "aria-labelledby": "add-title" },
    dialogHead(el("h2", { id: "add-title", text: t("web-add-title") })),
    el("div", { class: "dialog-body" }, form),
  );
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("files", (e) => pictures.add(e.detail));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    send(false);
  });
  openDialog(dialog);
  (files.length ? title.control : pictures.element.querySelector(".pick-more")).focus();

  async function send(force) {
    const missing = lacking();
    alert.say(missing);
    if (missing) return;
    twin.replaceChildren();
    save.disabled = true;
    try {
      const { product } = await upload("/api/products", body(force), (part) => progress.show(part, t("web-working")));
      dialog.close();
      onAdded(t("web-added", { title: visible(product.title || product.id) }));
    } catch (problem) {
      if (problem.duplicate) twin.replaceChildren(await duplicate(problem.duplicate, () => send(true)));
      else alert.say(problem.detail);
    } finally {
      progress.hide();
      save.disabled = false;
      twin.scrollIntoView({ block: "nearest" });
    }
  }

  function lacking() {
    if (!pictures.files.length) return t("web-need-picture");
    if (!description.control.value.trim()) return t("web-need-description");
    return "";
  }

  function body(force) {
    const data = new FormData();
    for (const file of pictures.files) data.append("photo", file, file.name);
    for (const { control } of [title, id, description]) {
      if (control.value.trim()) data.append(control.name, control.value.trim());
    }
    data.append("attributes", JSON.stringify(attributes.value));
    if (force) data.append("force", "true");
    return data;
  }
}

async function duplicate({ id, title, score }, onForce) {
  const known = await api("GET", `/api/products/${encodeURIComponent(id)}`).catch(() => null);
  const anyway = el("button", { type: "button", onclick: onForce }, el("span", { text: t("web-add-anyway") }));
  const words = t("web-duplicate", { title: visible(title), id: visible(id), score: number(score, 2) });
  return el(
    "div",
    { class: "duplicate" },
    el("div", { class: "card-picture" }, picture(known?.images[0])),
    el("div", { class: "words" }, el("p", { dir: "auto", text: words }), anyway),
  );
}
