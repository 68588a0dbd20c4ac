"use strict";
// Further rows of a list come as they are scrolled to, ten thousand at most; the box finds text in all of them.

const MOST_ROWS = 10000;
const AHEAD = "1500px";
const PAUSE_MS = 150;

const between = (columns, again) => {
  const body = document.createElement("tbody");
  const cell = body.insertRow().insertCell();
  cell.colSpan = columns;
  const since = document.createElement("time");
  since.className = "age";
  since.dataset.at = now();
  since.textContent = "0 s";
  const button = document.createElement("button");
  [button.type, button.textContent] = ["button", "Find them anew"];
  button.addEventListener("click", again);
  cell.append("Rows above follow the service. Rows below were found ", since, " ago. ", button);
  body.className = "between";
  return body;
};

const further = (part) => {
  const table = part.querySelector("table");
  const ways = part.querySelector(".ways");
  const find = part.querySelector(".find");
  const said = find.querySelector("output");
  let next = null;
  let loading = null;
  let is_begun = false;

  const hrefOf = (within) => within.querySelector("a[rel=next]")?.getAttribute("href") || null;
  const count = () => [...table.tBodies].reduce((sum, body) => sum + (body.className === "between" ? 0 : body.rows.length), 0);
  const following = () => (is_begun ? next : hrefOf(ways));

  const fetched = async () => {
    const answer = await fetch(following().replace("/at-risk?", "/at-risk/rows?"), { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!is_begun) {
      is_begun = true;
      table.append(between(table.tHead.rows[0].cells.length, anew));
      ways.hidden = true;
    }
    next = hrefOf(found);
    const known = new Set([...table.tBodies[0].rows].map((row) => row.dataset.id));
    const body = document.createElement("tbody");
    body.append(...[...found.querySelectorAll("tbody tr")].filter((row) => !known.has(row.dataset.id)));
    table.append(body);
  };

  // One page at a time, however many ask for the next.
  const more = () => {
    if (!loading && following() && count() < MOST_ROWS) {
      loading = fetched()
        .catch(() => {
          ways.hidden = false;
        })
        .finally(() => {
          loading = null;
        });
    }
    return loading;
  };

  const all = async () => {
    let before = -1;
    while (following() && count() < MOST_ROWS && count() !== before) {
      before = count();
      await more();
    }
  };

  const shut = () => {
    [...table.tBodies].slice(1).forEach((body) => body.remove());
    [next, is_begun, ways.hidden] = [null, false, false];
  };

  const anew = async () => {
    const wanted = count();
    shut();
    while (following() && count() < wanted) {
      await more();
    }
    look();
  };

  const look = () => {
    const text = find.querySelector("input").value.trim().toLowerCase();
    let shown = 0;
    for (const body of table.tBodies) {
      for (const row of body.rows) {
        if (row.dataset.id) {
          row.hidden = text !== "" && !`${row.dataset.id} ${row.textContent}`.toLowerCase().includes(text);
          shown += row.hidden ? 0 : 1;
        }
      }
    }
    said.textContent = text ? `${shown.toLocaleString("en")} of ${count().toLocaleString("en")} rows` : "";
  };

  let waiting = 0;
  find.classList.add("on");
  find.querySelector("input").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      said.textContent = "looking…";
      await all();
      look();
    }, PAUSE_MS);
  });
  part.addEventListener("patched", look);

  const end = document.createElement("div");
  part.append(end);
  const ahead = new IntersectionObserver(async (seen) => {
    if (seen.some((one) => one.isIntersecting)) {
      await more();
      // What came may not have filled the window: look once more.
      ahead.unobserve(end);
      ahead.observe(end);
    }
  }, { rootMargin: AHEAD });
  let has_scrolled = false;
  document.addEventListener("scroll", () => {
    if (!has_scrolled) {
      has_scrolled = true;
      ahead.observe(end);
    }
  }, { passive: true });
};

document.querySelectorAll("[data-live]").forEach(further);
