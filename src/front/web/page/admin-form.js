// Parts that the catalogue's dialogs share: picked pictures, attribute rows, progress.

import { el, label, me, size, t, visible } from "./common.js";
import { preview } from "./composer.js";

/** Pictures chosen for upload; `files` are those that may be sent. */
export class Pictures {
  #picked = [];

  constructor(files = []) {
    this.list = el("ul", { class: "picked" });
    this.note = el("p", { class: "form-note", role: "status", hidden: true });
    this.input = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true });
    this.input.addEventListener("change", () => {
      this.add([...this.input.files]);
      this.input.value = "";
    });
    this.element = el("div", { class: "pictures" }, this.list, this.note, this.input);
    this.add(files);
  }

  get files() {
    return this.#picked.map(({ file }) => file);
  }

  add(files) {
    const { max_bytes: most, max_photos: count } = me.limits;
    const refused = [];
    for (const file of files) {
      if (most && file.size > most) {
        refused.push(t("web-photo-too-big", { name: visible(file.name), size: size(file.size), limit: size(most) }));
      } else if (count && this.#picked.length >= count) {
        refused.push(t("web-too-many-photos", { name: visible(file.name), limit: count }));
      } else {
        this.#picked.push({ file, url: URL.createObjectURL(file) });
      }
    }
    this.note.textContent = refused.join(" ");
    this.note.hidden = !refused.length;
    this.#show();
  }

  #show() {
    const choose = el("button", { type: "button", class: "pick-more", icon: "photo" }, el("span", { text: t("web-choose-pictures") }));
    choose.addEventListener("click", () => this.input.click());
    this.list.replaceChildren(...this.#picked.map((one) => this.#item(one)), el("li", {}, choose));
  }

  #item(one) {
    const remove = el("button", { type: "button", class: "chip-remove", icon: "close" });
    label(remove, t("web-remove-photo", { name: visible(one.file.name) }));
    remove.addEventListener("click", () => {
      URL.revokeObjectURL(one.url);
      this.#picked = this.#picked.filter((other) => other !== one);
      this.#show();
    });
    return el("li", {}, preview(one.file, one.url), remove);
  }
}

/** Rows of name and value. */
export class Attributes {
  constructor(attributes = {}) {
    this.rows = el("div", { class: "rows" });
    const add = el("button", { type: "button", class: "quiet", icon: "add" }, el("span", { text: t("web-add-attribute") }));
    add.addEventListener("click", () => this.#row("", "").focus());
    this.element = el("fieldset", { class: "rows" }, el("legend", { class: "legend", text: t("web-attributes") }), this.rows, add);
    for (const [name, value] of Object.entries(attributes)) this.#row(name, value);
  }

  get value() {
    const pairs = [...this.rows.children].map((row) => [...row.querySelectorAll("input")].map((i) => i.value.trim()));
    return Object.fromEntries(pairs.filter(([name, value]) => name && value));
  }

  #row(name, value) {
    const key = input(name, t("web-attribute-name"));
    const content = input(value, t("web-attribute-value"));
    const remove = el("button", { type: "button", class: "quiet round", icon: "close" });
    label(remove, t("web-remove-attribute"));
    const row = el("div", { class: "row" }, key, content, remove);
    remove.addEventListener("click", () => row.remove());
    this.rows.append(row);
    return key;
  }
}

function input(value, name) {
  const node = el("input", { dir: "auto", "aria-label": name, placeholder: name });
  node.value = value;
  return node;
}

/** A labelled field; `value` is set as a property so that it stays text. */
export function field(tag, { words, hint, value = "", ...properties }) {
  const control = el(tag, { dir: "auto", ...properties });
  control.value = value;
  const small = hint ? el("small", { text: hint }) : null;
  return { control, element: el("label", { class: "field" }, el("span", { text: words }), control, small) };
}

/** How far an upload is; the server's own work afterwards has no measure. */
export class Progress {
  constructor() {
    this.bar = el("progress", { max: "1" });
    this.words = el("p", { class: "quiet-line", role: "status" });
    this.element = el("div", { class: "progress", hidden: true }, this.bar, this.words);
  }

  show(part, working) {
    this.element.hidden = false;
    const words = part < 1 ? t("web-sending") : working;
    if (part < 1) this.bar.value = part;
    else this.bar.removeAttribute("value");
    if (this.words.textContent !== words) this.words.textContent = words;
  }

  hide() {
    this.element.hidden = true;
  }
}

/** Where a dialog says what went wrong. */
export function alertLine() {
  const words = el("p", { dir: "auto" });
  const element = el("div", { class: "problem", role: "alert", hidden: true }, el("div", { class: "problem-words", icon: "warn" }, words));
  return {
    element,
    say(text) {
      words.textContent = text;
      element.hidden = !text;
      if (text) element.scrollIntoView({ block: "nearest" });
    },
  };
}
