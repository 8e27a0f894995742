// The dialog that imports an archive and lists what was left out.

import { dialogHead, el, foreign, number, openDialog, t, upload, visible } from "./common.js";
import { Progress, alertLine } from "./admin-form.js";

/** Opens it, and starts at once when there is a `file`; `onImported()` runs afterwards. */
export function importArchive(file, onImported) {
  const progress = new Progress();
  const alert = alertLine();
  const result = el("div", { class: "dialog-form", role: "status" });
  const input = el("input", { type: "file", accept: ".zip,application/zip", hidden: true });
  const choose = el("button", { type: "button", class: "primary", icon: "import" }, el("span", { text: t("web-choose-archive") }));
  choose.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) send(input.files[0]);
    input.value = "";
  });
  const dialog = el(
    "dialog",
    { "aria-labelledby": "import-title" },
    dialogHead(el("h2", { id: "import-title", text: t("web-import-title") })),
    el(
      "div",
      { class: "dialog-body" },
      el("p", { class: "quiet-line", text: t("web-import-lead") }),
      alert.element,
      progress.element,
      result,
      el("div", { class: "dialog-foot" }, input, choose),
    ),
  );
  dialog.addEventListener("files", (e) => !choose.disabled && send(e.detail[0]));
  openDialog(dialog);
  if (file) send(file);

  async function send(archive) {
    const form = new FormData();
    form.append("archive", archive, archive.name);
    alert.say("");
    result.replaceChildren();
    choose.disabled = true;
    try {
      const report = await upload("/api/import", form, (part) => progress.show(part, t("web-importing")));
      result.replaceChildren(...shown(report));
      onImported();
    } catch (problem) {
      alert.say(visible(problem.detail));
    } finally {
      progress.hide();
      choose.disabled = false;
    }
  }
}

function shown({ added, updated, unchanged, failed, seconds }) {
  const words = t("web-import-result", {
    added: number(added), updated: number(updated), unchanged: number(unchanged), seconds: number(seconds, 1),
  });
  const parts = [el("p", { text: words })];
  if (!failed.length) return parts;
  const list = el("ul", { class: "left-out", tabindex: "0" });
  for (const { line, path, error } of failed) {
    list.append(
      el("li", {}, el("small", {}, t("web-import-line", { line }), " ", foreign("code", path)), foreign("span", error)),
    );
  }
  parts.push(el("h3", { text: t("web-import-failed", { count: number(failed.length) }) }), list);
  return parts;
}
