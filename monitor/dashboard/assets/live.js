"use strict";
// A list follows the service: only cells that changed are replaced, and a lost connection is said at once.

const SILENT_S = 12;
const LATE_S = 15;
const AGAIN_MS = [1000, 2000, 5000, 10000];

const cellsOf = (texts) => {
  const made = document.createElement("template");
  made.innerHTML = `<table><tbody><tr>${texts.join("")}</tr></tbody></table>`;
  return [...made.content.querySelector("tr").children];
};

const patchRow = (row, cells) => {
  const places = Object.keys(cells).sort((one, other) => one - other);
  cellsOf(places.map((place) => cells[place])).forEach((cell, number) => {
    const old = row.cells[places[number]];
    if (!old) {
      row.append(cell);
      return;
    }
    if (!cell.querySelector("time")) {
      cell.classList.add("new");
    }
    old.replaceWith(cell);
  });
};

const reorder = (body, rows) => {
  let place = body.firstElementChild;
  for (const row of rows) {
    if (row === place) {
      place = place.nextElementSibling;
    } else {
      body.insertBefore(row, place);
    }
  }
  while (place) {
    const gone = place;
    place = place.nextElementSibling;
    gone.remove();
  }
};

const keepingFocus = (part, change) => {
  const held = document.activeElement;
  const href = held && part.contains(held) ? held.getAttribute("href") : null;
  change();
  if (href && document.activeElement !== held) {
    (held.isConnected ? held : [...part.querySelectorAll("a")].find((one) => one.getAttribute("href") === href))?.focus({ preventScroll: true });
  }
};

const patch = (part, said) => {
  const body = part.querySelector("tbody");
  const known = new Map(said.before === null ? [] : [...body.rows].map((row) => [row.dataset.id, row]));
  keepingFocus(part, () => {
    for (const [id, cells] of Object.entries(said.cells)) {
      if (!known.has(id)) {
        known.set(id, document.createElement("tr"));
        known.get(id).dataset.id = id;
      }
      patchRow(known.get(id), cells);
    }
    if (said.order) {
      reorder(body, said.order.map((id) => known.get(id)));
    }
  });
  part.querySelector("caption").textContent = said.caption;
  part.querySelector(".ways").innerHTML = said.ways;
  part.dataset.tag = said.tag;
  part.dispatchEvent(new Event("patched"));
  tick();
};

const follow = (part) => {
  const pulse = part.querySelector(".pulse");
  const [state, age] = [pulse.querySelector(".state"), pulse.querySelector("time")];
  let source = null;
  let failures = 0;
  let [heard, right] = [now(), now()];
  const say = (text, is_lost) => {
    if (state.textContent !== text) {
      state.textContent = text;
    }
    part.classList.toggle("lost", is_lost);
  };
  const look = () => {
    const [silent, late] = [now() - heard, now() - right];
    age.dataset.at = right;
    age.textContent = ageOf(Math.max(late, 0));
    if (silent > SILENT_S || failures) {
      say("Connection lost, trying again: this list was right", true);
    } else if (late > LATE_S) {
      say("The service cannot renew this list now: it was right", true);
    } else {
      say("Live, right", false);
    }
  };
  const open = () => {
    source?.close();
    source = new EventSource(`${part.dataset.live}${part.dataset.live.endsWith("?") ? "" : "&"}have=${part.dataset.tag}`);
    source.addEventListener("rows", (event) => {
      const said = JSON.parse(event.data);
      if (said.before !== null && said.before !== part.dataset.tag) {
        part.dataset.tag = "";
        open();
        return;
      }
      patch(part, said);
    });
    source.addEventListener("beat", (event) => {
      const said = JSON.parse(event.data);
      learn(said.now);
      [heard, right, failures] = [now(), said.right, 0];
      look();
    });
    source.addEventListener("again", open);
    source.onerror = () => {
      source.close();
      setTimeout(open, AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)]);
      failures += 1;
      look();
    };
  };
  // A page that nobody sees gives its connection back: a browser has only six for one service.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
    } else {
      open();
    }
  });
  pulse.hidden = false;
  look();
  open();
  setInterval(look, 1000);
};

document.querySelectorAll("[data-live]").forEach(follow);
