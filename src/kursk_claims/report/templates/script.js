"use strict";
// Everything can be read without this script; it sorts, filters, slides, asks and unfolds.

const one = (selector, place = document) => place.querySelector(selector);
const all = (selector, place = document) => [...place.querySelectorAll(selector)];
const show = (elements, shown) => elements.forEach((element) => { element.hidden = !shown; });
const counted = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

// == index: the scoreboard, sort and filter ==

function scoreboard() {
  const board = one("#board");
  if (!board) return;
  const body = one("tbody", board);
  const lines = all("tr", body);
  const choice = Object.fromEntries(["by-claimant", "by-kind", "by-verdict", "sort"].map((id) => [id, one(`#${id}`)]));
  const down = new Set(["agree", "rows"]); // the most first
  let reversed = false;

  const fits = (data) =>
    (!choice["by-claimant"].value || data.claimant === choice["by-claimant"].value) &&
    (!choice["by-kind"].value || data.kind.split(" ").includes(choice["by-kind"].value)) &&
    (!choice["by-verdict"].value || (choice["by-verdict"].value === "changed" ? "changed" in data : data.now === choice["by-verdict"].value));

  const order = (key) => (a, b) => {
    const [first, second] = [a.dataset[key], b.dataset[key]];
    if (!first !== !second) return first ? -1 : 1; // what was not tested comes last, either way
    const turn = down.has(key) !== reversed ? -1 : 1;
    return turn * first.localeCompare(second, "en", { numeric: true }) || a.dataset.id.localeCompare(b.dataset.id);
  };

  function apply() {
    const key = choice.sort.value;
    body.append(...[...lines].sort(order(key)));
    lines.forEach((line) => { line.hidden = !fits(line.dataset); });
    const left = lines.filter((line) => !line.hidden).length;
    one("#found").value = left === lines.length ? counted(left, "claim") : `${left} of ${counted(lines.length, "claim")}`;
    all("th[data-sort]", board).forEach((th) => {
      if (th.dataset.sort !== key) th.removeAttribute("aria-sort");
      else th.setAttribute("aria-sort", down.has(key) !== reversed ? "descending" : "ascending");
    });
  }

  all("th[data-sort]", board).forEach((th) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...th.childNodes);
    th.append(button);
    button.addEventListener("click", () => {
      reversed = choice.sort.value === th.dataset.sort && !reversed;
      choice.sort.value = th.dataset.sort;
      apply();
    });
  });
  Object.values(choice).forEach((select) => select.addEventListener("change", () => { reversed = false; apply(); }));
  window.addEventListener("pageshow", apply); // the browser may bring back what was chosen
  document.addEventListener("kursk:week", apply);
  show([one("#tools")], true);
  apply();
}

// -- the weeks: the scoreboard as it stood

function weeks() {
  const data = one("#weeks") && JSON.parse(one("#weeks").textContent);
  if (!data) return;
  const slider = one("#week");
  const off = one("#week-off");
  const strips = one("#strips");
  const lines = all("#board tbody tr");
  const badges = all(".badge", one("#badges").content);
  const original = new Map(lines.map((line) => [line, line.dataset.then]));
  slider.value = Math.max(Math.ceil(parseFloat(getComputedStyle(strips).getPropertyValue("--article")) * data.days.length) - 1, 0);

  const said = (claim, week) => (data.claims[claim] || []).filter((change) => change[0] <= week).pop() || [0, -1, "", ""];

  function fill(line, week) {
    const [, verdict, agree, sentence] = said(line.dataset.id, week);
    const place = one(".said", line);
    place.replaceChildren();
    if (verdict < 0) {
      place.append(Object.assign(document.createElement("span"), { className: "none", textContent: "not run" }));
    } else {
      const share = Object.assign(document.createElement("span"), { className: "share", textContent: `${agree} agree` });
      place.append(badges[verdict].cloneNode(true), share);
    }
    const words = one(".sentence", line);
    if (words) words.textContent = sentence;
    line.dataset.then = verdict < 0 ? "" : verdict;
  }

  function slide(on) {
    const week = Number(slider.value);
    const name = data.days[week];
    slider.setAttribute("aria-valuetext", name);
    one("#week-name").value = on ? name : "a week you choose";
    all(".week-name").forEach((element) => { element.textContent = name; });
    all(".label.slid").forEach((element) => { element.textContent = `As of ${name}`; });
    lines.forEach((line) => {
      if (on) fill(line, week);
      else line.dataset.then = original.get(line);
      const fixed = [one(".verdict-cell .fixed:not(.label)", line), one(".result .fixed", line), one(".label.fixed", line)];
      show(fixed.filter(Boolean), !on);
      show(all(".slid", line), on);
    });
    show(all("#board thead .fixed"), !on);
    show(all("#board thead .slid"), on);
    off.disabled = !on;
    one(".cursor", strips).hidden = !on;
    strips.style.setProperty("--at", (week + 0.5) / data.days.length);
    document.dispatchEvent(new Event("kursk:week"));
  }

  slider.addEventListener("input", () => slide(true));
  off.addEventListener("click", () => { slide(false); slider.focus(); });
  one("tbody", strips).addEventListener("click", (event) => {
    if (event.target.closest("a, th, .hind")) return;
    const [first, last] = [one("tbody td", strips), one("tbody .hind", strips)].map((cell) => cell.getBoundingClientRect().left);
    slider.value = Math.floor(((event.clientX - first) / (last - first)) * data.days.length);
    slide(true);
  });
  show([one("#slide")], true);
  slide(false);
}

scoreboard();
weeks();

// == claim: a multiverse, which choices made this point? ==

function multiverse(curve) {
  const data = JSON.parse(one("script", curve).textContent);
  const points = data.points.split(";").map((point) => point.split(" "));
  const [slider, plot, needle, ring] = [".ask", ".plot", ".needle", ".ring"].map((name) => one(name, curve));
  const line = curve.nextElementSibling;
  const last = Math.max(points.length - 1, 1);

  function ask(place) {
    const [estimate, verdict, code] = points[place];
    const chosen = data.axes.map(([name, values], axis) => `${name} ${values[code[axis]]}`).join(", ");
    const main = place === Number(curve.dataset.main) ? "the main one, " : "";
    const x = 8 + (place * 1984) / last;
    const y = 192 - ((estimate - data.low) / (data.high - data.low)) * 184;
    slider.value = place;
    slider.setAttribute("aria-valuetext", `${place + 1} of ${points.length}`);
    ring.setAttribute("d", estimate ? `M${x} ${y}h0` : "");
    curve.style.setProperty("--at", x / 2000);
    needle.hidden = false;
    line.textContent = `Specification ${(place + 1).toLocaleString("en")} of ${points.length.toLocaleString("en")}, ${main}estimate ${estimate || "none"}: ${data.verdicts[verdict]}. Choices: ${chosen}.`;
  }

  function at(event) {
    const box = plot.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width * 2000 - 8) / 1984;
    ask(Math.min(Math.max(Math.round(share * last), 0), points.length - 1));
  }

  slider.addEventListener("input", () => ask(Number(slider.value)));
  slider.addEventListener("focus", () => ask(Number(slider.value)));
  curve.addEventListener("pointermove", (event) => { if (event.target !== slider && event.pointerType === "mouse") at(event); });
  plot.addEventListener("click", at);
  slider.hidden = false;
  ask(Number(slider.value));
  line.setAttribute("aria-live", "polite"); // from now on it tells what was asked
}

all(".curve").forEach(multiverse);

// == evidence: find rows ==

function search(input) {
  const rows = all(input.dataset.filter);
  const found = one("output", input.closest(".search"));
  let texts = null;
  function apply() {
    texts = texts || rows.map((row) => row.textContent.toLowerCase());
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    rows.forEach((row, place) => {
      row.hidden = !wanted.every((word) => texts[place].includes(word));
      left += !row.hidden;
    });
    found.value = wanted.length ? `${left} of ${rows.length}` : "";
  }
  input.addEventListener("input", apply);
  window.addEventListener("pageshow", () => { if (input.value) apply(); });
  show([input.closest(".search")], true);
}

all("[data-filter]").forEach(search);

// == all: an address that leads into something folded away unfolds it ==

function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const day = target.closest(".when");
  const other = day && one(day.classList.contains("then") ? "#show-then" : "#show-now");
  if (other && !one("#show-both").checked) other.checked = true;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  all("details", target).slice(0, target.id === "rows" ? 1 : 0).forEach((fold) => { fold.open = true; });
  target.scrollIntoView();
}

window.addEventListener("hashchange", unfold);
unfold();
