// The dialog of one product: seen, edited, given more pictures, removed.

import { api, dialogHead, el, foreign, number, openDialog, t, upload, visible } from "./common.js";
import { Attributes, Progress, alertLine, field } from "./admin-form.js";
import { details, remember, title } from "./product.js";

/** Opens it; `onChanged(words)` runs after every change. */
export function editProduct(product, onChanged) {
  const heading = foreign("h2", title(product), { id: "product-title" });
  const body = el("div", { class: "dialog-body" });
  const alert = alertLine();
  const progress = new Progress();
  const input = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true });
  const dialog = el("dialog", { class: "product-dialog", "aria-labelledby": "product-title" }, dialogHead(heading), body);
  const path = `/api/products/${encodeURIComponent(product.id)}`;
  let editing = false;

  input.addEventListener("change", () => {
    addImages([...input.files]);
    input.value = "";
  });
  dialog.addEventListener("files", (e) => !editing && addImages(e.detail));
  view();
  openDialog(dialog);

  function view() {
    const back = dialog.open;
    editing = false;
    heading.textContent = title(product);
    const foot = el(
      "div",
      { class: "dialog-foot" },
      button("web-remove", "remove", confirmRemoval, "danger"),
      el("span", { class: "spacer" }),
      button("web-add-images", "photo", () => input.click()),
      button("web-edit-product", "edit", edit, "primary"),
    );
    body.replaceChildren(details(product), alert.element, progress.element, input, foot);
    alert.say("");
    if (back) foot.lastElementChild.focus();
  }

  function edit() {
    editing = true;
    const name = field("input", { words: t("web-title"), value: product.title ?? "" });
    const description = field("textarea", { words: t("web-description"), hint: t("web-description-hint"), value: product.description, rows: "6" });
    const attributes = new Attributes(product.attributes);
    const form = el(
      "form",
      { class: "dialog-form" },
      name.element,
      description.element,
      attributes.element,
      alert.element,
      el(
        "div",
        { class: "dialog-foot" },
        button("web-cancel", null, view),
        el("button", { type: "submit", class: "primary" }, el("span", { text: t("web-save") })),
      ),
    );
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      if (!description.control.value.trim()) return alert.say(t("web-need-description"));
      attempt(async () => {
        update(await api("PATCH", path, {
          title: name.control.value.trim(),
          description: description.control.value.trim(),
          attributes: attributes.value,
        }));
        view();
        onChanged(t("web-saved", { title: title(product) }));
      });
    });
    body.replaceChildren(form);
    alert.say("");
    name.control.focus();
  }

  function confirmRemoval() {
    const remove = button("web-remove", "remove", () => attempt(async () => {
      await api("DELETE", path);
      dialog.close();
      onChanged(t("web-removed", { title: title(product) }));
    }), "danger primary");
    const question = el(
      "div",
      { class: "confirm", role: "alertdialog", "aria-labelledby": "remove-question" },
      el("p", { id: "remove-question", dir: "auto", text: t("web-remove-sure", { title: title(product) }) }),
      el("div", { class: "buttons" }, remove, button("web-keep", null, view)),
    );
    body.lastElementChild.replaceWith(question);
    question.scrollIntoView({ block: "nearest" });
    remove.focus();
  }

  function addImages(files) {
    if (!files.length) return;
    attempt(async () => {
      const form = new FormData();
      for (const file of files) form.append("photo", file, file.name);
      form.append("id", product.id);
      const result = await upload("/api/products", form, (part) => progress.show(part, t("web-working")));
      update(result.product);
      view();
      onChanged(t("web-images-added", {
        title: title(product), added: number(result.images_added), known: number(result.images_known),
      }));
    });
  }

  async function attempt(work) {
    alert.say("");
    try {
      await work();
    } catch (problem) {
      alert.say(visible(problem.detail ?? String(problem)));
    } finally {
      progress.hide();
    }
  }

  function update(now) {
    product = now;
    remember(now);
  }
}

function button(key, icon, onclick, look = null) {
  return el("button", { type: "button", class: look, icon, onclick }, el("span", { text: t(key) }));
}
