"use strict";
// Pages work without this; with it lists keep up to date, ages count on, and sliders answer at once.

const age = (seconds) => {
  const parts = [];
  for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    if (seconds >= size) {
      parts.push(`${Math.floor(seconds / size)} ${name}`);
      seconds %= size;
    }
  }
  return parts.slice(0, 2).join(" ") || "0 s";
};

const skew = () => Number(document.documentElement.dataset.skew || 0);

const tick = () => {
  const now = Math.floor(Date.now() / 1000) + skew();
  for (const one of document.querySelectorAll("time[data-at]")) {
    one.textContent = age(Math.max(now - Number(one.dataset.at), 0));
  }
};

// Ages count by the service's clock: the first one that the page came with tells how far ours is from it.
const learn = (answer) => {
  const said = Date.parse(answer.headers.get("Date"));
  if (!Number.isNaN(said)) {
    document.documentElement.dataset.skew = Math.round((said - Date.now()) / 1000);
  }
};

const live = (part) => {
  let tag = "";
  const again = async () => {
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(part.dataset.live, { headers, cache: "no-store", credentials: "same-origin" });
      learn(answer);
      if (answer.status !== 304 && !answer.ok) {
        throw new Error(String(answer.status));
      }
      if (answer.status === 200) {
        tag = answer.headers.get("ETag") || "";
        const focused = document.activeElement && part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
        const scrolled = part.querySelector(".scroll");
        const [left, top] = scrolled ? [scrolled.scrollLeft, scrolled.scrollTop] : [0, 0];
        part.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
        const anew = part.querySelector(".scroll");
        if (anew) {
          anew.scrollTo(left, top);
        }
        if (focused) {
          const found = [...part.querySelectorAll("a")].find((one) => one.getAttribute("href") === focused);
          if (found) {
            found.focus({ preventScroll: true });
          }
        }
        tick();
      }
      part.querySelector(".gone")?.setAttribute("hidden", "");
    } catch {
      part.querySelector(".gone")?.removeAttribute("hidden");
    }
    setTimeout(again, Number(part.dataset.every));
  };
  setTimeout(again, Number(part.dataset.every));
};

const part = (form) => {
  const shown = document.getElementById(form.dataset.part);
  let asked = 0;
  let waiting = 0;
  const ask = async () => {
    const number = ++asked;
    const filled = new URLSearchParams(new FormData(form));
    filled.set("part", "1");
    try {
      const answer = await fetch(`${form.getAttribute("action")}?${filled}`, { cache: "no-store", credentials: "same-origin" });
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (number === asked) {
        shown.replaceChildren(...(answer.ok ? found.body : found.querySelector("main") || found.body).childNodes);
        tick();
      }
    } catch {
      shown.textContent = "The service does not answer.";
    }
  };
  form.addEventListener("input", (event) => {
    const output = event.target.parentElement.querySelector("output");
    if (output) {
      output.textContent = `${event.target.value} %`;
    }
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
};

document.querySelectorAll("[data-live]").forEach(live);
document.querySelectorAll("form[data-part]").forEach(part);
setInterval(tick, 1000);
