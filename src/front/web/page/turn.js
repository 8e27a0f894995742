// One exchange of the conversation: what the user sent and what came back for it.

import { preview } from "./composer.js";
import { el, foreign, me, number, outLink, t, visible, webLink } from "./common.js";
import { rendered } from "./markup.js";
import { card, openProduct, picture, remember, title } from "./product.js";

/** Less than this behind the best match is close as well. */
const NEAR = 0.05;

export class Turn {
  #handlers;
  #answer = null;
  #origin = null;

  /** `handlers`: `onRetry`, `onEdit`, `onPress(button)`, `onProblem(problem)`. */
  constructor(message, handlers) {
    this.message = message;
    this.#handlers = handlers;
    this.reply = el("div", { class: "reply", "aria-busy": "true" });
    this.element = el("article", { class: "turn" }, message ? bubble(message) : null, this.reply);
    this.waiting(message?.photos.length ? t("web-looking") : t("web-thinking"));
  }

  /** Takes one event of the stream. */
  take(name, data) {
    if (name === "typing") return;
    if (name === "matches") this.#matches(data);
    else if (name === "growing") this.#grow(data.markup);
    else if (name === "answer") this.#finish(data);
    else if (name === "text") this.#add(el("div", { class: "prose" }, ...rendered(data.markup)));
    else if (name === "product") this.#add(card(data));
    else if (name === "file") this.#add(fileLink(data));
    else if (name === "buttons") this.#buttons(data.buttons);
    else if (name === "done") this.#done(data.timings);
  }

  /** Shows that work goes on, below what has come so far. */
  waiting(words) {
    this.rest();
    const dots = el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    this.status = el("p", { class: "waiting" }, dots, el("span", { text: words }));
    this.reply.append(this.status);
  }

  rest() {
    this.status?.remove();
    this.status = null;
  }

  stopped() {
    this.#settled();
    this.#add(el("p", { class: "quiet-line", text: t("web-stopped") }));
  }

  failed(problem) {
    this.#settled();
    const buttons = el("div", { class: "buttons" });
    if (problem.passing) buttons.append(retryButton(problem, () => this.#handlers.onRetry()));
    if (this.message) {
      buttons.append(
        el("button", { type: "button", icon: "edit", onclick: () => this.#handlers.onEdit() }, el("span", { text: t("web-edit") })),
      );
    }
    const reference = problem.reference && foreign("small", t("web-reference", { reference: problem.reference }));
    this.#add(
      el(
        "div",
        { class: "problem" },
        el("div", { class: "problem-words", icon: "warn" }, el("div", {}, foreign("p", problem.detail), reference)),
        buttons,
      ),
    );
  }

  /** Empties the reply for another attempt. */
  restart() {
    this.#answer = null;
    this.#origin = null;
    this.reply.replaceChildren();
    this.reply.setAttribute("aria-busy", "true");
    this.waiting(this.message?.photos.length ? t("web-looking") : t("web-thinking"));
  }

  /** What to read aloud once the turn is complete. */
  get spoken() {
    return [...this.reply.querySelectorAll(".match-line, .prose, .problem p")]
      .map((node) => node.textContent)
      .join(" ");
  }

  #add(node) {
    if (this.status) this.status.before(node);
    else this.reply.append(node);
    return node;
  }

  #matches({ confident, matches }) {
    if (!matches.length) {
      this.#add(el("p", { class: "match-line unsure", text: t("web-no-matches") }));
    } else {
      const line = confident ? t("web-match-sure") : t("web-match-unsure");
      const list = el("ul", { class: "matches" });
      const best = matches[0].score;
      matches.forEach((match, index) => list.append(matchCard(match, closeness(match.score, best, confident), confident && index === 0)));
      this.#add(el("p", { class: confident ? "match-line" : "match-line unsure", text: line }));
      this.#add(list);
    }
    if (this.status) this.waiting(t("web-reading"));
  }

  #grow(markup) {
    this.rest();
    this.#answer ??= this.#add(el("div", { class: "prose growing" }));
    this.#answer.replaceChildren(...rendered(markup));
  }

  #finish({ markup, origin, sources }) {
    this.#grow(markup);
    this.#answer.classList.remove("growing");
    const model = origin === "model";
    this.#origin = el(
      "p",
      { class: "origin", icon: model ? "spark" : "quote" },
      el("span", { text: model ? t("web-origin-model") : t("web-origin-extractive") }),
    );
    const foot = el("div", { class: "answer-foot" }, this.#origin);
    if (sources.length) foot.append(this.#sources(sources));
    this.#add(foot);
  }

  #sources(sources) {
    const list = el("ul", { class: "sources" });
    for (const source of sources) {
      const open = foreign("button", title(source), { type: "button", title: t("web-open-product") });
      open.addEventListener("click", () => openProduct(source.id, this.#handlers.onProblem));
      const url = webLink(source.url);
      const out = url && outLink(url, el("span", { class: "inline-icon", icon: "link" }));
      out?.setAttribute("aria-label", t("web-product-page-of", { title: title(source) }));
      list.append(el("li", {}, open, out));
    }
    return el("div", { class: "source-row" }, el("span", { text: t("web-sources") }), list);
  }

  #buttons(buttons) {
    const row = el("div", { class: "buttons" });
    for (const button of buttons) {
      const press = el("button", { type: "button", class: "pill" }, foreign("span", button.label));
      press.addEventListener("click", () => {
        if (!this.#handlers.onPress(button)) return;
        press.disabled = true;
        press.setAttribute("aria-pressed", "true");
      });
      row.append(press);
    }
    this.#add(row);
  }

  #done(timings) {
    this.#settled();
    if (!this.#origin || !timings?.total) return;
    // Two digits: a quoted answer takes a few hundredths.
    const seconds = new Intl.NumberFormat(me.language, { maximumSignificantDigits: 2 }).format(timings.total / 1000);
    this.#origin.append(el("span", { class: "took", text: t("web-took", { seconds }) }));
  }

  #settled() {
    this.rest();
    this.#answer?.classList.remove("growing");
    this.reply.setAttribute("aria-busy", "false");
  }
}

function fileLink({ name, url }) {
  return el("p", {}, el("a", { class: "button", href: url, download: visible(name), icon: "export" }, foreign("span", name)));
}

/** What the user pressed, in place of a bubble. */
export function pressed(text) {
  return el("div", { class: "mine" }, foreign("p", text, { class: "bubble pressed" }));
}

function bubble({ text, photos }) {
  const node = el("div", { class: "mine" });
  if (photos.length) {
    const shown = photos.map((file) => preview(file, URL.createObjectURL(file)));
    node.append(el("div", { class: photos.length > 1 ? "photos several" : "photos" }, ...shown));
  }
  if (text) node.append(foreign("p", text, { class: "bubble" }));
  return node;
}

function matchCard(match, words, best) {
  remember(match);
  const open = foreign("button", title(match), { type: "button", class: "card-title" });
  open.addEventListener("click", () => openProduct(match.id));
  return el(
    "li",
    { class: best ? "match best" : "match" },
    el("div", { class: "card-picture" }, picture(match.image)),
    open,
    el(
      "p",
      { class: "closeness" },
      el("span", { class: "word", text: words }),
      " ",
      el("span", { class: "score", text: number(match.score, 2), title: t("web-score-help") }),
    ),
  );
}

/**
 * How close a match is, in words. A cosine means something else with every model, so the words
 * come from the measured confidence and from the distance to the best.
 */
function closeness(score, best, confident) {
  if (confident && score === best) return t("web-very-close");
  if (best - score < NEAR) return t("web-close-match");
  return t("web-loose");
}

/** Counts down when the server said how long to wait. */
function retryButton(problem, onRetry) {
  const words = el("span", { text: t("web-retry") });
  const button = el("button", { type: "button", class: "primary", icon: "retry", onclick: onRetry }, words);
  let left = Math.ceil(problem.retryAfter ?? 0);
  if (!left) return button;
  button.disabled = true;
  const tick = () => {
    button.disabled = left > 0;
    words.textContent = left > 0 ? t("web-retry-in", { seconds: left }) : t("web-retry");
    if (left > 0) setTimeout(tick, 1000);
    left -= 1;
  };
  tick();
  return button;
}
