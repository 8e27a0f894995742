// Answers and texts: blocks of spans from the server, turned into elements.

import { el, outLink, visible, webLink } from "./common.js";

/** The elements for `blocks`. Nothing in a text is interpreted. */
export function rendered(blocks) {
  const nodes = [];
  let list = null;
  for (const { kind, spans } of blocks ?? []) {
    const content = (spans ?? []).map(span);
    if (kind === "item") {
      if (!list) nodes.push((list = el("ul")));
      list.append(el("li", { dir: "auto" }, ...content));
      continue;
    }
    list = null;
    if (kind === "code") nodes.push(el("pre", { tabindex: "0" }, el("code", {}, ...content)));
    else nodes.push(el("p", { dir: "auto" }, ...content));
  }
  return nodes;
}

function span({ text, bold, italic, code, link }) {
  let node = document.createTextNode(visible(text));
  if (code) node = el("code", {}, node);
  if (italic) node = el("em", {}, node);
  if (bold) node = el("strong", {}, node);
  return webLink(link) ? outLink(link, node) : node;
}
