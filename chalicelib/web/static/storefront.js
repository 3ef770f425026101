/* Everything works without this file up to the pay page; with it, pages count, wait and copy by themselves. */
"use strict";

const page = document;
const all = (selector, root = page) => [...root.querySelectorAll(selector)];

// Quantity: the buttons beside it, and on the checkout page the price that follows it.
page.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (!button) return;
  const field = button.parentElement.querySelector("input");
  const wanted = Number(field.value || 1) + Number(button.dataset.step);
  field.value = Math.min(Math.max(wanted, Number(field.min)), Number(field.max));
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

const checkout = page.querySelector("[data-checkout]");
if (checkout) {
  let asked = 0;
  let timer;
  const reprice = async () => {
    const turn = ++asked;
    const quantity = checkout.elements.quantity.value;
    const answer = await fetch(`${checkout.action}?quantity=${encodeURIComponent(quantity)}`);
    if (!answer.ok || turn !== asked) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["price", "pay"]) page.getElementById(id).replaceChildren(...fresh.getElementById(id).childNodes);
    const part = (root) => root.querySelector("#purse [name=balance_fen]");
    if (part(page) && part(fresh)) {
      part(page).value = part(fresh).value;
      part(page).closest("label").querySelector("span").replaceWith(part(fresh).closest("label").querySelector("span"));
    }
  };
  checkout.elements.quantity.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => reprice().catch(() => {}), 250);
  });
  checkout.addEventListener("submit", () => {
    setTimeout(() => (page.getElementById("pay").disabled = true));
  });
  window.addEventListener("pageshow", () => (page.getElementById("pay").disabled = false));
}

// Another amount is chosen by typing it.
for (const other of all(".steps [type=number]")) {
  other.addEventListener("input", () => (other.closest("label").querySelector("[type=radio]").checked = true));
}

// The time left to pay, counted on the visitor's own clock from the seconds the server named.
for (const left of all("[data-left]")) {
  const end = Date.now() + Number(left.dataset.left) * 1000;
  const show = () => {
    const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    left.textContent = left.dataset.text.replace("#", time);
    if (!seconds) clearInterval(tick);
  };
  const tick = setInterval(show, 1000);
  show();
}

// Waiting: ask how far the order is; go on, or swap in the part of the page that changed.
const swap = async (waiting) => {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(waiting.dataset.swap);
  if (!fresh) return;
  const known = all(".timeline .done", waiting).length;
  all(".timeline .done", fresh).slice(known).forEach((step) => step.classList.add("fresh"));
  all(".codes", fresh).forEach((codes) => codes.classList.add("fresh"));
  waiting.replaceWith(fresh);
  wait(fresh);
};

const wait = (waiting) => {
  if (!waiting || !waiting.dataset.wait) return;
  const since = Date.now();
  let timer;
  const look = async () => {
    const answer = await fetch(waiting.dataset.wait, { headers: { Accept: "application/json" } });
    const state = answer.ok ? await answer.json() : null;
    if (state && waiting.dataset.go && state.status !== "pending") location.replace(waiting.dataset.go);
    else if (state && waiting.dataset.swap && state.version !== waiting.dataset.version) await swap(waiting);
  };
  // While nobody sees the page it does not ask, and at once when somebody does again. Else every two seconds, and
  // after a while when a twentieth more has passed, so that what happened is seen soon after.
  const ask = async () => {
    clearTimeout(timer);
    if (page.hidden || !waiting.isConnected) return;
    await look().catch(() => {}); // offline for a moment: ask again
    clearTimeout(timer);
    timer = setTimeout(ask, Math.min(Math.max(2000, (Date.now() - since) / 20), 15000));
  };
  page.addEventListener("visibilitychange", ask);
  timer = setTimeout(ask, 1200);
};
wait(page.querySelector("[data-wait]"));

// Copying; the button says that it did.
const copy = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = page.body.appendChild(page.createElement("textarea"));
  area.value = text;
  area.select();
  page.execCommand("copy");
  area.remove();
};

page.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || button.dataset.busy) return;
  await copy(button.dataset.copy);
  const label = button.querySelector("span") || button;
  const before = label.textContent;
  button.dataset.busy = "1";
  label.textContent = button.dataset.done;
  setTimeout(() => {
    label.textContent = before;
    delete button.dataset.busy;
  }, 1600);
});

// "/" goes to the search, as elsewhere.
page.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, textarea")) return;
  event.preventDefault();
  page.querySelector(".search input").focus();
});

// A channel that wants a form gets it, once this page stands in the history; whoever comes back finds the button.
const leaving = page.querySelector("[data-leave]");
if (leaving && !sessionStorage.getItem(leaving.dataset.leave)) {
  sessionStorage.setItem(leaving.dataset.leave, "left");
  window.addEventListener("load", () => setTimeout(() => leaving.submit()));
}
