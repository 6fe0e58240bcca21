"use strict";
// Swaps in what changed, by id, and says plainly when nothing can change any more. The server renders everything.
(function () {
  const HOLD = 4000; // ms for which a change stays marked; the style sheet's animation is as long
  const SILENCE = 40000; // ms without a word from the server, which speaks every 15 s
  const STANDSTILL = 60000; // ms without a new judgement, which comes every second

  const page = document.getElementById("live");
  const notice = document.getElementById("connection");
  const asOf = document.getElementById("as-of");
  const containers = ["contracts", "endpoints"];
  let since = page.dataset.since;
  let heard = performance.now();
  let judged = heard;
  let lost = false;

  function parse(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  }

  function settle(element) {
    element.classList.add("changed");
    setTimeout(() => element.classList.remove("changed"), HOLD);
  }

  function put(id, html) {
    const fresh = parse(html);
    const old = document.getElementById(id);
    if (old) {
      if (old.dataset.state !== fresh.dataset.state) settle(fresh);
      old.replaceWith(fresh);
    }
    return fresh;
  }

  function arrange(container, ids, added) {
    const parent = document.getElementById(container);
    const wanted = new Set(ids);
    for (const child of [...parent.children]) if (!wanted.has(child.id)) child.remove();
    let place = parent.firstElementChild;
    for (const id of ids) {
      const element = document.getElementById(id) || added.get(id);
      if (!element) continue;
      if (element === place) place = place.nextElementSibling;
      else parent.insertBefore(element, place);
    }
    parent.closest("section").hidden = ids.length === 0;
  }

  function say(text) {
    notice.textContent = text;
    notice.hidden = !text;
  }

  function check() {
    const now = performance.now();
    const figures = " The figures below are those of " + asOf.textContent + ".";
    if (lost || now - heard > SILENCE) say("The connection to slawatch is lost; trying again." + figures);
    else if (now - judged > STANDSTILL) say("slawatch answers, but has judged nothing for over a minute." + figures);
    else say("");
  }

  function onChange(event) {
    const change = JSON.parse(event.data);
    const focused = document.activeElement && document.activeElement.closest("[id]");
    const added = new Map(Object.entries(change.fragments).map(([id, html]) => [id, put(id, html)]));
    for (const container of containers) if (change.order[container]) arrange(container, change.order[container], added);
    if (focused && !focused.isConnected) {
      const again = document.getElementById(focused.id);
      const link = again && again.querySelector("a");
      if (link) link.focus({ preventScroll: true });
    }
    asOf.textContent = change.at.text;
    asOf.dateTime = change.at.iso;
    document.title = change.title;
    since = event.lastEventId;
    heard = judged = performance.now();
    check();
  }

  function listen() {
    const query = new URLSearchParams({ since });
    if ("everything" in page.dataset) query.set("endpoints", "all");
    const source = new EventSource("/live?" + query);
    source.addEventListener("change", onChange);
    source.addEventListener("still", () => { heard = performance.now(); check(); });
    source.onopen = () => { lost = false; heard = performance.now(); check(); };
    source.onerror = () => {
      lost = true;
      check();
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
  }

  listen();
  setInterval(check, 5000);
})();
