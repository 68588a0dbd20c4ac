"use strict";
// Pages work without this; with it lists keep up to date, ages count on, and sliders answer at once.

const ageOf = (seconds) => {
  const parts = [];
  for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    if (seconds >= size) {
      parts.push(`${Math.floor(seconds / size)} ${name}`);
      seconds %= size;
    }
  }
  return parts.slice(0, 2).join(" ") || "0 s";
};

// Ages count by the service's clock, which ours may be far from: a moment of the page tells how far.
let skew = 0;
const now = () => Math.floor(Date.now() / 1000) + skew;
const learn = (said) => {
  skew = Math.round(said - Date.now() / 1000);
};

// Of a long list only what is in sight counts on; what comes into sight is brought up to date as it does.
const inSight = (one) => !one.checkVisibility || one.checkVisibility({ contentVisibilityAuto: true });

const tick = () => {
  for (const one of document.querySelectorAll("time[data-at]")) {
    const told = ageOf(Math.max(now() - Number(one.dataset.at), 0));
    if (one.textContent !== told && inSight(one)) {
      one.textContent = told;
    }
  }
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
      output.textContent = `${event.target.value > 0 ? "+" : ""}${event.target.value} %`;
    }
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });
  form.addEventListener("reset", () => {
    form.querySelectorAll("output").forEach((output) => {
      output.textContent = "0 %";
    });
    asked += 1;
    shown.replaceChildren();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
};

const said = document.querySelector("time[data-now]");
if (said) {
  learn(Number(said.dataset.now));
}
// What is slow to read comes after the page; without a script a link leads to it.
document.querySelectorAll("[data-lazy]").forEach(async (place) => {
  const answer = await fetch(place.dataset.lazy, { cache: "no-store", credentials: "same-origin" }).catch(() => null);
  if (answer?.ok) {
    place.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
  }
});
document.querySelectorAll("form[data-part]").forEach(part);
setInterval(tick, 1000);
document.addEventListener("scrollend", tick, { capture: true, passive: true });
