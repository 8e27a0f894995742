// The history of changes.

import { alertLine } from "./admin-form.js";
import { api, dialogHead, el, foreign, me, number, openDialog, t, visible } from "./common.js";

const PAGE = 50;
const NAMED = 3;

export async function showLog() {
  const list = el("ul", { class: "changes" });
  const more = el("button", { type: "button", hidden: true }, el("span", { text: t("web-more") }));
  let shown = 0;
  const load = async () => {
    const { changes } = await api("GET", `/api/log?skip=${shown}&take=${PAGE}`);
    shown += changes.length;
    more.hidden = changes.length < PAGE;
    list.append(...changes.map(row));
  };
  await load();
  const alert = alertLine();
  more.addEventListener("click", () => load().catch((problem) => alert.say(problem.detail)));
  const dialog = el(
    "dialog",
    { "aria-labelledby": "log-title" },
    dialogHead(el("h2", { id: "log-title", text: t("web-log-title") })),
    el("div", { class: "dialog-body" }, shown ? list : el("p", { class: "quiet-line", text: t("web-log-empty") }), alert.element, more),
  );
  openDialog(dialog);
}

/** One change in words: "Removed: kettle, lamp". */
export function describe({ action, products, count, undoes }) {
  const named = products.slice(0, NAMED).map(visible).join(", ");
  const others = Math.max(count, products.length) - Math.min(products.length, NAMED);
  const more = others > 0 ? t("web-more-products", { count: number(others) }) : "";
  const what = undoes ? t("web-change-undoes", { number: undoes }) : "";
  const objects = [what, [named, more].filter(Boolean).join(" ")].filter(Boolean).join(" · ");
  return `${t(`web-change-${action.replace("_", "-")}`)}: ${objects}`;
}

function row(change) {
  const when = new Intl.DateTimeFormat(me.language, { dateStyle: "medium", timeStyle: "short" }).format(change.at_ms);
  const counts = t("web-change-counts", { products: number(change.count), images: number(change.images) });
  const tag = change.undone ? el("span", { class: "tag", text: ` – ${t("web-change-was-undone")}` }) : null;
  return el(
    "li",
    { class: change.undone ? "undone" : null },
    el("p", {}, foreign("span", describe(change), { class: "what" }), tag),
    el("small", {}, `${change.number} · ${counts} · `, foreign("span", t("web-change-by", { name: change.author.name || change.author.id, when }))),
  );
}
