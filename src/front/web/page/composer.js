// Where the user writes: the question, the photos with it, and what may be sent.

import { dropAnywhere, el, label, me, size, t, visible } from "./common.js";

const at = (id) => document.getElementById(id);
const DRAFT = "magpie-draft";

export class Composer {
  #photos = [];
  #busy = false;

  /** `onSend({text, photos})` for every message; `onStop()` for the stop button. */
  constructor({ onSend, onStop }) {
    this.field = at("question");
    this.field.value = draft.load();
    at("composer").addEventListener("submit", (e) => {
      e.preventDefault();
      this.#send(onSend);
    });
    at("stop").addEventListener("click", onStop);
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (e) => {
      if (e.key !== "Enter" || e.shiftKey || e.isComposing) return;
      e.preventDefault();
      this.#send(onSend);
    });
    this.#sourcesOfPhotos();
    this.#changed();
  }

  get empty() {
    return !this.field.value.trim() && !this.#photos.length;
  }

  set busy(busy) {
    this.#busy = busy;
    at("stop").hidden = !busy;
    at("send").hidden = busy;
    this.#changed();
  }

  /** Puts a message (back) in place, to be edited. */
  put({ text = "", photos = [] }) {
    this.field.value = text;
    this.#photos = photos.map((file) => ({ file, url: URL.createObjectURL(file) }));
    this.#showChips();
    this.#changed();
    this.focus();
  }

  focus() {
    this.field.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  note(text) {
    at("composer-note").textContent = text;
    at("composer-note").hidden = !text;
  }

  /** Takes photos in; says which cannot be sent, and why. */
  add(files) {
    const { max_bytes: most, max_photos: count } = me.limits;
    const refused = [];
    for (const file of files) {
      const name = visible(file.name);
      if (most && file.size > most) {
        refused.push(t("web-photo-too-big", { name, size: size(file.size), limit: size(most) }));
      } else if (count && this.#photos.length >= count) {
        refused.push(t("web-too-many-photos", { name, limit: count }));
      } else {
        this.#photos.push({ file, url: URL.createObjectURL(file) });
      }
    }
    this.#showChips();
    this.#changed();
    this.note([...new Set(refused)].join(" "));
    this.focus();
  }

  #sourcesOfPhotos() {
    for (const [button, input] of [["pick", "files"], ["shoot", "camera"]]) {
      at(button).addEventListener("click", () => at(input).click());
      at(input).addEventListener("change", () => {
        this.add([...at(input).files]);
        at(input).value = "";
      });
    }
    dropAnywhere((files) => this.add(files));
    addEventListener("paste", (e) => {
      const files = [...(e.clipboardData?.files ?? [])];
      if (!files.length || document.querySelector("dialog[open]")) return;
      e.preventDefault();
      this.add(files);
    });
  }

  #send(onSend) {
    if (this.#busy || this.empty) return;
    const text = this.field.value.trim();
    const most = me.limits.max_question;
    if (most && [...text].length > most) {
      this.note(t("web-question-too-long", { length: [...text].length, limit: most }));
      return;
    }
    const photos = this.#photos.map(({ file }) => file);
    this.#photos.forEach(({ url }) => URL.revokeObjectURL(url));
    this.#photos = [];
    this.field.value = "";
    this.note("");
    this.#showChips();
    this.#changed();
    onSend({ text, photos });
  }

  #changed() {
    at("send").disabled = this.empty;
    draft.save(this.field.value);
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }

  #showChips() {
    const chips = this.#photos.map((photo) => this.#chip(photo));
    at("chips").replaceChildren(...chips);
    at("chips").hidden = !chips.length;
  }

  #chip(photo) {
    const remove = el("button", { type: "button", class: "chip-remove", icon: "close" });
    label(remove, t("web-remove-photo", { name: visible(photo.file.name) }));
    remove.addEventListener("click", () => {
      URL.revokeObjectURL(photo.url);
      this.#photos = this.#photos.filter((other) => other !== photo);
      this.#showChips();
      this.#changed();
      this.note("");
      this.focus();
    });
    return el("li", { class: "chip" }, preview(photo.file, photo.url), remove);
  }
}

/** A picture of the file, or its name when the browser cannot show it. */
export function preview(file, url) {
  const image = el("img", { src: url, alt: visible(file.name) });
  image.addEventListener("error", () => {
    image.replaceWith(el("span", { class: "file-name", icon: "file" }, el("bdi", { text: visible(file.name) })));
  });
  return image;
}

// Phones may discard the page while the camera is open; the words survive that.
const draft = {
  load() {
    try {
      return sessionStorage.getItem(DRAFT) ?? "";
    } catch {
      return "";
    }
  },
  save(text) {
    try {
      sessionStorage.setItem(DRAFT, text);
    } catch {
      // Without storage there is only the page's own memory.
    }
  },
};
