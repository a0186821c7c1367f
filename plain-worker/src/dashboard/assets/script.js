// Everything works without this: it brings live figures, the reader's own time zone, suggestions and keys.
(() => {
  "use strict";
  const base = document.documentElement.dataset.base;
  const zone = root => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      time.title = new Date(time.dateTime).toLocaleString() + " (" + time.dateTime + ")";
    }
  };
  zone(document);

  // Live figures: only texts change, nothing moves.
  if (window.EventSource && document.querySelector("[data-live]")) {
    const events = new EventSource(base + "/live");
    events.onmessage = message => {
      const figures = JSON.parse(message.data);
      for (const place of document.querySelectorAll("[data-live]")) {
        const text = figures[place.dataset.live] ?? place.dataset.none;
        if (text !== undefined && place.textContent !== text) place.textContent = text;
      }
    };
    addEventListener("pagehide", () => events.close());
  }

  // Parts that are drawn anew by the server, unless the pointer or the focus is in them.
  for (const part of document.querySelectorAll("[data-refresh]")) {
    setInterval(async () => {
      if (document.hidden || part.matches(":hover") || part.contains(document.activeElement)) return;
      try {
        const answer = await fetch(location.href, { headers: { accept: "text/html" } });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(part.id);
        if (fresh) { part.replaceChildren(...fresh.childNodes); zone(part); }
      } catch { /* the next round tries again */ }
    }, Number(part.dataset.refresh) * 1000);
  }

  const search = document.querySelector("input[type=search]");
  if (search && search.list) {
    let latest = 0;
    search.addEventListener("input", async () => {
      const mine = ++latest;
      const typed = search.value;
      const start = typed.length - typed.match(/[^\s(]*$/)[0].length;
      try {
        const answer = await fetch(base + "/suggest?q=" + encodeURIComponent(typed));
        if (!answer.ok || mine !== latest) return;
        search.list.replaceChildren(...(await answer.json()).map(offer => {
          const option = document.createElement("option");
          option.value = typed.slice(0, start) + offer;
          return option;
        }));
      } catch { /* without suggestions then */ }
    });
  }

  const all = document.querySelector("input[data-all]");
  if (all) all.addEventListener("change", () => {
    for (const box of document.querySelectorAll("input[name=id]")) box.checked = all.checked;
  });

  const rows = [...document.querySelectorAll("tbody tr[data-href]")];
  let at = -1;
  const go = step => {
    if (!rows.length) return;
    rows[at]?.classList.remove("at");
    at = Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[at].classList.add("at");
    rows[at].scrollIntoView({ block: "nearest" });
  };
  addEventListener("keydown", event => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      "/": () => search?.focus(),
      j: () => go(1),
      k: () => go(-1),
      Enter: () => { if (at >= 0 && event.target === document.body) location.href = rows[at].dataset.href; },
      x: () => { const box = rows[at]?.querySelector("input[name=id]"); if (box) box.checked = !box.checked; },
      r: () => document.querySelector("button[data-key=r]")?.click(),
      "?": () => document.querySelector("dialog")?.showModal(),
    };
    if (keys[event.key]) { keys[event.key](); if (event.key === "/") event.preventDefault(); }
  });
})();
