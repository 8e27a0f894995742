// The catalogue page: the grid with its search and paging, undo, and what opens the dialogs.

import { api, dropAnywhere, el, foreign, me, number, size, start, t, tokenFromAddress, visible } from "./common.js";
import { addProduct } from "./admin-add.js";
import { importArchive } from "./admin-import.js";
import { describe, showLog } from "./admin-log.js";
import { editProduct } from "./admin-product.js";
import { signIn } from "./login.js";
import { picture, title } from "./product.js";

const at = (id) => document.getElementById(id);
const PAGE = 60;
const list = { words: "", shown: 0, total: 0, asked: 0 };

if (await start()) await main();

async function main() {
  let refused = "";
  try {
    await tokenFromAddress();
  } catch (problem) {
    refused = problem.detail;
  }
  if (me.admin) catalogue();
  else door(refused);
}

function door(refused) {
  const lead = me.admin_enabled ? t("web-login-admin-lead") : t("web-admin-disabled");
  const form = signIn({ lead, back: true, onDone: () => (me.admin ? catalogue() : door(t("web-login-admin-lead"))) });
  form.querySelector(".refused").textContent = refused;
  if (!me.admin_enabled) for (const node of form.querySelectorAll("label, button")) node.remove();
  at("sign-in").replaceChildren(form);
  form.querySelector("input")?.focus();
}

function catalogue() {
  at("sign-in").replaceChildren();
  at("catalogue").hidden = false;
  at("logout").hidden = false;
  at("logout").addEventListener("click", () => attempt(async () => {
    await api("POST", "/api/logout");
    location.reload();
  }));
  at("add").addEventListener("click", () => addProduct([], changed));
  at("import").addEventListener("click", () => importArchive(null, changed));
  at("history").addEventListener("click", () => attempt(showLog));
  at("undo").addEventListener("click", () => attempt(undo));
  at("more").addEventListener("click", () => attempt(more));
  at("search").addEventListener("submit", (e) => e.preventDefault());
  at("words").addEventListener("input", debounced(search, 250));
  dropAnywhere(dropped);
  new IntersectionObserver(([seen]) => seen.isIntersecting && attempt(more), { rootMargin: "300px" }).observe(at("more"));
  reload();
}

/** Files dropped on an open dialog belong to it; else they begin a product or an import. */
function dropped(files) {
  const open = document.querySelector("dialog[open]");
  if (open) {
    open.dispatchEvent(new CustomEvent("files", { detail: files }));
    return;
  }
  const archive = files.find((file) => /\.zip$/i.test(file.name));
  if (archive) importArchive(archive, changed);
  else addProduct(files, changed);
}

function search() {
  const words = at("words").value.trim();
  if (words === list.words) return;
  list.words = words;
  attempt(first);
}

function reload() {
  attempt(first);
  attempt(stats);
}

/** After every change: says what happened and shows the catalogue as it is now. */
function changed(words) {
  if (words) toast(words);
  reload();
}

async function stats() {
  const { products, images, bytes, model } = await api("GET", "/api/stats");
  at("stats").textContent = t("web-stats", {
    products: number(products), images: number(images), bytes: size(bytes), model: visible(model ?? "–"),
  });
}

/** The first page anew, as many tiles as were shown before. */
async function first() {
  const { products, total } = await fetchPage(0, Math.min(Math.max(list.shown, PAGE), 200));
  at("products").replaceChildren(...products.map(tile));
  settle(products.length, total);
}

async function more() {
  if (list.shown >= list.total || list.loading) return;
  list.loading = true;
  try {
    const { products, total } = await fetchPage(list.shown, PAGE);
    at("products").append(...products.map(tile));
    settle(list.shown + products.length, total);
  } finally {
    list.loading = false;
  }
}

/** A page of the list; an answer that a later question overtook is dropped. */
async function fetchPage(skip, take) {
  const asked = ++list.asked;
  const query = new URLSearchParams({ skip, take, q: list.words });
  const page = await api("GET", `/api/products?${query}`);
  if (asked !== list.asked) throw new DOMException("overtaken", "AbortError");
  return page;
}

function settle(shown, total) {
  Object.assign(list, { shown, total });
  at("more").hidden = shown >= total;
  at("shown").textContent = total ? t("web-shown", { shown: number(shown), total: number(total) }) : "";
  at("nothing").hidden = total > 0;
  at("nothing").textContent = list.words
    ? t("web-nothing-found", { words: visible(list.words) })
    : t("web-no-products");
}

function tile(product) {
  const open = foreign("button", title(product), { type: "button" });
  open.addEventListener("click", () => editProduct(product, changed));
  return el(
    "li",
    { class: "tile" },
    el("div", { class: "tile-picture" }, picture(product.images[0])),
    open,
    el("p", {}, foreign("code", product.id), el("span", { text: t("web-pictures-count", { count: number(product.images.length) }) })),
  );
}

async function undo() {
  at("undo").disabled = true;
  try {
    const change = await api("POST", "/api/undo");
    changed(describe(change));
  } finally {
    at("undo").disabled = false;
  }
}

async function attempt(work) {
  try {
    await work();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    // Signed out meanwhile: the form tells more than a message.
    if (problem.status === 401 || (problem.status === 403 && work === first)) location.reload();
    toast(problem.detail ?? String(problem), true);
  }
}

function toast(words, bad = false) {
  const node = el("p", { class: bad ? "bad" : null, dir: "auto", text: words });
  at("toasts").append(node);
  // Shown anew, so that it lies above a dialog opened since.
  at("toasts").hidePopover?.();
  at("toasts").showPopover?.();
  setTimeout(() => node.remove(), bad ? 9000 : 6000);
}

function debounced(work, wait) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, wait);
  };
}
