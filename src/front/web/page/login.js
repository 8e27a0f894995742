// Signing in with a token: the login page, and the form the catalogue shows to others.

import { api, el, me, refresh, start, t, tokenFromAddress } from "./common.js";

if (document.body.classList.contains("login") && (await start())) await loginPage();

async function loginPage() {
  const root = document.getElementById("sign-in");
  const enter = () => location.replace("/");
  const form = signIn({ lead: t("web-login-lead"), onDone: enter });
  try {
    await tokenFromAddress();
    if (me.access) return enter();
  } catch (problem) {
    form.querySelector(".refused").textContent = problem.detail;
  }
  root.replaceChildren(form);
  form.querySelector("input").focus();
}

/** The form; `onDone` runs once the token was accepted. */
export function signIn({ lead, onDone, back = false }) {
  const token = el("input", {
    id: "token", name: "token", type: "password", required: true, autocomplete: "current-password", spellcheck: "false",
  });
  const refused = el("p", { class: "refused", role: "alert" });
  const submit = el("button", { type: "submit", class: "primary large" }, el("span", { text: t("web-login") }));
  const form = el(
    "form",
    { class: "sign-in" },
    el("img", { src: "/assets/icon.svg", alt: "", width: "56", height: "56" }),
    el("h1", { text: t("web-login") }),
    el("p", { class: "quiet-line", text: lead }),
    el("label", { class: "field" }, el("span", { text: t("web-token") }), token),
    refused,
    submit,
    back ? el("a", { class: "elsewhere", href: "/", text: t("web-back-to-chat") }) : null,
  );
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    submit.disabled = true;
    refused.textContent = "";
    try {
      await api("POST", "/api/login", { token: token.value });
      await refresh();
      onDone();
    } catch (problem) {
      refused.textContent = problem.detail;
      token.select();
    } finally {
      submit.disabled = false;
    }
  });
  return form;
}
