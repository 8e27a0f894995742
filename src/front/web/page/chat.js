// The chat page: sends messages and presses, shows what comes back.

import { Composer } from "./composer.js";
import { Problem, api, el, label, me, number, randomId, refresh, start, t, tokenFromAddress } from "./common.js";
import { ask } from "./stream.js";
import { Turn, pressed } from "./turn.js";

const at = (id) => document.getElementById(id);

let conversation = randomId();
let running = null;
let composer;

if (await start()) await main();

async function main() {
  try {
    await tokenFromAddress();
  } catch {
    // A stale link; the page says itself what is missing.
  }
  if (!me.access) {
    location.replace("/login");
    return;
  }
  composer = new Composer({ onSend: send, onStop: () => running?.abort() });
  label(at("theme"), t("web-theme"));
  at("new").addEventListener("click", forget);
  at("to-catalogue").hidden = !me.admin;
  at("fine-print").textContent = me.model ? t("web-fine-print-model") : t("web-fine-print-extract");
  welcome();
  if (matchMedia("(pointer: fine)").matches) composer.focus();
}

function send(message) {
  at("welcome").hidden = true;
  at("new").hidden = false;
  const turn = new Turn(message, {
    onRetry: () => {
      if (running) return;
      turn.restart();
      run(turn, "/api/ask", form(message));
    },
    onEdit: () => composer.put(message),
    onPress: press,
    onProblem: say,
  });
  at("log").append(turn.element);
  run(turn, "/api/ask", form(message));
}

function form({ text, photos }) {
  const body = new FormData();
  for (const photo of photos) body.append("photo", photo, photo.name);
  body.append("question", text);
  body.append("conversation", conversation);
  return body;
}

/** False while something else is under way. */
function press(button) {
  if (running) return false;
  const body = { action: button.action, conversation };
  const turn = new Turn(null, {
    onRetry: () => {
      if (running) return;
      turn.restart();
      run(turn, "/api/press", body);
    },
    onPress: press,
    onProblem: say,
  });
  turn.element.prepend(pressed(button.label));
  at("log").append(turn.element);
  run(turn, "/api/press", body);
  return true;
}

async function run(turn, path, body) {
  const mine = new AbortController();
  running = mine;
  composer.busy = true;
  at("announcer").textContent = turn.status?.textContent ?? "";
  bottom();
  try {
    for await (const [name, data] of ask(path, body, mine.signal)) {
      const follow = atBottom();
      turn.take(name, data);
      if (follow) bottom();
    }
  } catch (error) {
    failed(turn, error);
  } finally {
    turn.element.isConnected && (at("announcer").textContent = turn.spoken);
    if (running === mine) {
      running = null;
      composer.busy = false;
    }
  }
}

function failed(turn, error) {
  const follow = atBottom();
  if (error.name === "AbortError") {
    turn.stopped();
  } else {
    const problem = error instanceof Problem ? error : new Problem({ detail: t("web-broke-off") });
    if (problem.status === 401) location.assign("/login");
    turn.failed(problem);
    // Sending the same again cannot help, so the message goes back to be changed.
    if (!problem.passing && turn.message && composer.empty) composer.put(turn.message);
  }
  if (follow) bottom();
}

/** A problem outside any exchange. */
function say(problem) {
  composer.note(problem.detail);
}

async function forget() {
  running?.abort();
  const old = conversation;
  conversation = randomId();
  at("log").replaceChildren();
  at("new").hidden = true;
  composer.note("");
  welcome();
  composer.focus();
  try {
    await api("POST", "/api/forget", { conversation: old });
  } catch (problem) {
    say(problem);
  }
}

function welcome() {
  const body = me.empty ? emptyCatalogue() : firstVisit();
  const mark = el("img", { class: "mark", src: "/assets/icon.svg", alt: "", width: "72", height: "72" });
  at("welcome").replaceChildren(mark, ...body);
  at("welcome").hidden = false;
}

function firstVisit() {
  const prompts = el("ul", { class: "prompts" });
  for (const key of ["web-example-1", "web-example-2", "web-example-3"]) {
    const choose = el("button", { type: "button", dir: "auto", text: t(key) });
    choose.addEventListener("click", () => {
      composer.field.value = t(key);
      composer.field.dispatchEvent(new Event("input"));
      composer.note(t("web-now-a-photo"));
      composer.focus();
    });
    prompts.append(el("li", {}, choose));
  }
  return [
    el("h2", { text: t("web-welcome") }),
    el("p", { class: "lead", text: t("web-welcome-lead") }),
    prompts,
  ];
}

function emptyCatalogue() {
  const parts = [el("h2", { text: t("web-empty") })];
  if (!me.can_load_sample) {
    parts.push(el("p", { class: "lead", text: t("web-empty-ask") }));
    return parts;
  }
  const load = el("button", { type: "button", class: "primary large", id: "load-sample" }, el("span", { text: t("web-load-sample") }));
  const note = el("p", { class: "quiet-line", role: "status" });
  load.addEventListener("click", () => loadSample(load, note));
  parts.push(el("p", { class: "lead", text: t("web-empty-lead") }), load, note);
  return parts;
}

async function loadSample(button, note) {
  button.disabled = true;
  button.classList.add("working");
  note.textContent = t("web-loading-sample");
  try {
    const { added } = await api("POST", "/api/sample");
    await refresh();
    welcome();
    composer.note(t("web-sample-loaded", { count: number(added) }));
    composer.focus();
  } catch (problem) {
    note.textContent = problem.detail;
    button.disabled = false;
    button.classList.remove("working");
  }
}

function atBottom() {
  const root = document.scrollingElement;
  return root.scrollHeight - root.scrollTop - root.clientHeight < 120;
}

function bottom() {
  const root = document.scrollingElement;
  root.scrollTo({ top: root.scrollHeight });
}
