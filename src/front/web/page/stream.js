// Server-sent events over fetch: EventSource can neither POST nor send files.

import { Problem, reach, t } from "./common.js";

/**
 * Sends `body` (a form, or an object as JSON) and yields `[name, data]` for each event. Throws
 * `Problem` for a failure and for a stream that breaks off before its `done`.
 */
export async function* ask(path, body, signal) {
  const headers = { Accept: "text/event-stream" };
  const form = body instanceof FormData;
  if (!form) headers["Content-Type"] = "application/json";
  const response = await reach(path, {
    method: "POST",
    headers,
    body: form ? body : JSON.stringify(body),
    signal,
  });
  for await (const [name, data] of events(response.body)) {
    if (name === "problem") throw new Problem(data);
    yield [name, data];
    if (name === "done") return;
  }
  throw new Problem({ detail: t("web-broke-off") });
}

/** Parses the stream; an event may lie across any number of chunks. */
export async function* events(stream) {
  let name = "message";
  let data = [];
  for await (const line of lines(stream)) {
    if (line === "") {
      if (data.length) yield [name, JSON.parse(data.join("\n"))];
      name = "message";
      data = [];
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }
}

async function* lines(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await chunk(reader);
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A carriage return at the end may be half of a line break.
      const parts = rest.split(/\r\n|\n|\r(?!$)/);
      rest = parts.pop();
      yield* parts;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function chunk(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ detail: t("web-broke-off") });
  }
}
