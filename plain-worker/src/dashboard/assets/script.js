// Everything works without this: it brings live figures, the reader's own time zone, suggestions and keys.
(() => {
  "use strict";
  const base = document.documentElement.dataset.base;
  // The reader's choice of light or dark goes before the system's.
  const theme = chosen => {
    if (chosen) { document.documentElement.dataset.theme = chosen; localStorage.theme = chosen; }
    else { delete document.documentElement.dataset.theme; localStorage.removeItem("theme"); }
  };
  theme(localStorage.theme);
  document.querySelector("nav kbd")?.addEventListener("click", () => document.querySelector("dialog").showModal());

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

  // A stretch of time, chosen by dragging over the picture of runs.
  const picture = document.querySelector("svg[data-start]");
  if (picture) {
    const { start, end, left, q } = picture.dataset;
    const at = event => {
      const box = picture.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * picture.viewBox.baseVal.width;
      const part = (x - left) / (picture.viewBox.baseVal.width - left);
      return [x, Number(start) + Math.min(Math.max(part, 0), 1) * (end - start)];
    };
    const band = picture.querySelector(".chosen");
    let from = null;
    picture.addEventListener("pointerdown", event => { from = at(event); event.preventDefault(); });
    addEventListener("pointermove", event => {
      if (!from) return;
      const [x] = at(event);
      band.setAttribute("x", Math.min(x, from[0]));
      band.setAttribute("width", Math.abs(x - from[0]));
    });
    addEventListener("pointerup", event => {
      if (!from) return;
      const [[x0, t0], [x1, t1]] = [from, at(event)];
      from = null;
      if (Math.abs(x1 - x0) < 8) return;
      const time = ms => JSON.stringify(new Date(ms).toISOString());
      const wanted = `${q} started:>=${time(Math.min(t0, t1))} started:<${time(Math.max(t0, t1))}`.trim();
      location.href = base + "/jobs?view=points&q=" + encodeURIComponent(wanted);
    });
  }

  const rows = [...document.querySelectorAll("tbody tr[data-href]")];
  let at = -1;
  let awaited = false;
  const go = step => {
    if (!rows.length) return;
    rows[at]?.classList.remove("at");
    at = Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[at].classList.add("at");
    rows[at].scrollIntoView({ block: "nearest" });
  };
  addEventListener("keydown", event => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (awaited) {
      awaited = false;
      const page = { m: "/", j: "/jobs", s: "/schedules", q: "/queues", w: "/workers", f: "/functions", a: "/audit" }[event.key];
      if (page) { location.href = base + page; return; }
    }
    const keys = {
      "/": () => search?.focus(),
      j: () => go(1),
      k: () => go(-1),
      Enter: () => { if (at >= 0 && event.target === document.body) location.href = rows[at].dataset.href; },
      x: () => { const box = rows[at]?.querySelector("input[name=id]"); if (box) box.checked = !box.checked; },
      r: () => document.querySelector("button[data-key=r]")?.click(),
      g: () => { awaited = true; setTimeout(() => { awaited = false; }, 1500); },
      t: () => theme(({ light: "dark", dark: "" })[localStorage.theme ?? ""] ?? "light"),
      "?": () => document.querySelector("dialog")?.showModal(),
    };
    if (keys[event.key]) { keys[event.key](); if (event.key === "/") event.preventDefault(); }
  });
})();
