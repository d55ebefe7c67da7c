"use strict";
(() => {
  // language and theme of a page that needs no other script; kept in the fragment of the address, as on the page of one run
  const HTML_LANG = { en: "en", zh: "zh-CN" };
  const inputs = name => [...document.querySelectorAll(`input[name="${name}"]`)];
  const chosen = name => inputs(name).find(each => each.checked)?.value;
  const names = ["lang", "theme"];
  const usual = Object.fromEntries(names.map(name => [name, chosen(name)]));

  function speak() { document.documentElement.lang = HTML_LANG[chosen("lang")] || document.documentElement.lang; }

  function recall() {
    const parts = new URLSearchParams(location.hash.slice(1));
    for (const name of names) for (const each of inputs(name)) if (each.value === parts.get(name)) each.checked = true;
    speak();
  }

  function remember() {
    const parts = new URLSearchParams();
    for (const name of names) if (chosen(name) !== usual[name]) parts.set(name, chosen(name));
    try { history.replaceState(null, "", parts.size ? "#" + parts : location.pathname + location.search); } catch { /* sandboxed */ }
    speak();
  }

  recall();
  for (const name of names) for (const each of inputs(name)) each.addEventListener("change", remember);
  window.addEventListener("hashchange", recall);
})();
