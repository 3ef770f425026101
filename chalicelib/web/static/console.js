// The console's comforts. Every page works without them: forms post, links lead on.
"use strict";

const root = document.documentElement;
root.classList.add("js");
const dark = matchMedia("(prefers-color-scheme: dark)");
const showTheme = () => {
  root.dataset.bsTheme = localStorage.getItem("theme") || (dark.matches ? "dark" : "light");
};
showTheme();
dark.addEventListener("change", showTheme);

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const first = (selector, within = document) => within.querySelector(selector);

function theme() {
  const button = first("#theme");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    localStorage.setItem("theme", root.dataset.bsTheme === "dark" ? "light" : "dark");
    showTheme();
    dispatchEvent(new Event("themed"));
  });
}

function menu() {
  const button = first(".menu-button");
  if (!button) return;
  const open = (wanted) => {
    first("#menu").classList.toggle("open", wanted);
    button.setAttribute("aria-expanded", wanted);
  };
  button.addEventListener("click", () => open(button.getAttribute("aria-expanded") !== "true"));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") open(false);
  });
}

function shortcuts() {
  let going = 0;
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, dialog[open]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      const search = first("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "g") {
      going = Date.now();
    } else if (Date.now() - going < 1500) {
      going = 0;
      first(`.menu a[data-key="${CSS.escape(event.key)}"]`)?.click();
    }
  });
}

function forms(within) {
  for (const form of all("form[data-confirm]", within)) {
    form.addEventListener("submit", (event) => {
      if (!confirm(form.dataset.confirm)) { event.preventDefault(); event.stopImmediatePropagation(); }
    });
  }
  for (const form of all("form[data-once]", within)) {
    form.addEventListener("submit", (event) => {
      if (form.getAttribute("aria-busy")) event.preventDefault();
      form.setAttribute("aria-busy", "true");
    });
  }
  addEventListener("pageshow", () => all("form[aria-busy]").forEach((f) => f.removeAttribute("aria-busy")));
  for (const form of all("form[data-auto]", within)) {
    form.addEventListener("change", () => form.requestSubmit());
  }
}

function sift() {
  const state = { text: "", category: "" };
  const field = first("[data-sift]");
  const chips = first("[data-sift-chips]");
  const rows = all(field?.dataset.sift || "not-there").filter((row) => row.closest("tbody"));
  const show = () => {
    for (const row of rows) {
      const named = row.textContent.toLowerCase().includes(state.text);
      row.hidden = !named || Boolean(state.category && row.dataset.category !== state.category);
    }
  };
  field?.addEventListener("input", () => { state.text = field.value.trim().toLowerCase(); show(); });
  chips?.addEventListener("click", (event) => {
    const chip = event.target.closest("button");
    if (!chip) return;
    state.category = chip.dataset.category;
    all("button", chips).forEach((one) => one.toggleAttribute("aria-current", one === chip));
    chip.setAttribute("aria-current", "true");
    show();
  });
}

function decoded(bytes) {
  try {
    return [new TextDecoder("utf-8", { fatal: true }).decode(bytes), "UTF-8"];
  } catch {
    return [new TextDecoder("gbk").decode(bytes), "GBK"];
  }
}

function files() {
  const box = first("[data-file-for]");
  if (!box) return;
  box.hidden = false;
  const note = first("[data-file-note]", box);
  first("input", box).addEventListener("change", async (event) => {
    const file = event.target.files[0];
    if (!file) return;
    if (file.size > 4 * 1024 * 1024) { note.textContent = `${file.name} 超过 4 MB，请拆成几个文件。`; return; }
    const [text, encoding] = decoded(await file.arrayBuffer());
    first(`#${box.dataset.fileFor}`).value = text;
    note.textContent = `已读入 ${file.name}（${encoding}，${text.split(/\r\n|\n|\r/).length} 行），可先预览。`;
  });
}

async function logoFrom(file) {
  const image = await createImageBitmap(file);
  const side = 96;
  const scale = Math.min(side / image.width, side / image.height, 1);
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const [width, height] = [image.width * scale, image.height * scale];
  canvas.getContext("2d").drawImage(image, (side - width) / 2, (side - height) / 2, width, height);
  return canvas.toDataURL("image/webp", 0.9);
}

function images() {
  const box = first("[data-image-for]");
  if (!box) return;
  box.hidden = false;
  first("input", box).addEventListener("change", async (event) => {
    const field = first(`#${box.dataset.imageFor}`);
    try {
      field.value = await logoFrom(event.target.files[0]);
      field.dispatchEvent(new Event("input", { bubbles: true }));
      first("[data-image-note]", box).textContent = "已缩放为 96 × 96，保存后生效。";
    } catch {
      first("[data-image-note]", box).textContent = "这个文件不是可用的图片。";
    }
  });
}

// As the shop does it: white text where the colour can carry it, dark text where it cannot (WCAG 2.2).
function inkOn(color) {
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = [1, 3, 5].map((at) => linear(parseInt(color.slice(at, at + 2), 16) / 255));
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 3 ? "#fff" : "#17211f";
}

function preview() {
  const box = first("[data-preview]");
  if (!box) return;
  const value = (name) => first(`#${name}`).value;
  const show = () => {
    for (const name of ["name", "tagline", "notice"]) first(`[data-show=${name}]`, box).textContent = value(name);
    const logo = first("[data-show=logo]", box);
    const text = value("logo") || value("name").slice(0, 1);
    const image = text.startsWith("data:image/");
    logo.replaceChildren(image ? Object.assign(new Image(), { src: text, alt: "" }) : text);
    for (const part of [logo, first("[data-paint]", box)]) {
      part.style.background = value("color");
      part.style.color = inkOn(value("color"));
    }
  };
  box.closest("form").addEventListener("input", show);
}

function live() {
  for (const form of all("form[data-live]")) {
    const place = first("[formaction]", form).getAttribute("formaction");
    let last = 0;
    form.addEventListener("input", async () => {
      const turn = ++last;
      const answer = await fetch(place, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok || turn !== last) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      first(form.dataset.live).replaceChildren(...first(form.dataset.live, page).childNodes);
    });
  }
}

function poll() {
  const box = first("[data-poll]");
  if (!box) return;
  const look = async () => {
    const answer = await fetch(box.dataset.poll, { headers: { Accept: "application/json" } }).catch(() => null);
    const state = answer?.ok ? (await answer.json()).state : box.dataset.now;
    if (answer?.status === 401 || state !== box.dataset.now) location.replace(location.pathname);
    else setTimeout(look, 1000);
  };
  setTimeout(look, 1000);
}

function drawer() {
  const dialog = first("#drawer");
  addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-drawer]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || innerWidth < 800) return;
    event.preventDefault();
    const answer = await fetch(link.href).catch(() => null);
    const page = new DOMParser().parseFromString((await answer?.text()) || "", "text/html");
    const detail = first("#detail", page);
    if (!answer?.ok || !detail) { location.assign(link.href); return; }
    const close = Object.assign(document.createElement("button"), { className: "btn-close", type: "button" });
    close.setAttribute("aria-label", "关闭");
    close.addEventListener("click", () => dialog.close());
    dialog.replaceChildren(close, detail);
    forms(dialog);
    dialog.showModal();
  });
  dialog?.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}

const fenOf = (text) => (/^\d{1,9}(\.\d{1,2})?$/.test(text) ? Math.round(Number(text) * 100) : NaN);

function margins() {
  const rows = all(".listing tbody tr");
  if (!rows.length) return;
  const show = (row) => {
    const price = first("[name^='price.']", row);
    const fen = price.value.trim() ? fenOf(price.value.trim()) : Number(price.dataset.suggest);
    const wholesale = Number(first("[data-wholesale]", row).dataset.wholesale);
    const low = !(fen >= Number(price.dataset.floor));
    first("[data-margin]", row).textContent = Number.isNaN(fen) ? "—" : ((fen - wholesale) / 100).toFixed(2);
    price.classList.toggle("below", low);
    price.title = low ? "低于最低售价" : "";
  };
  rows.forEach((row) => { show(row); row.addEventListener("input", () => show(row)); });
  const box = first(".markup");
  box.hidden = false;
  first("[data-markup]", box).addEventListener("click", () => {
    const percent = Number(first("#markup").value);
    for (const row of rows.filter((one) => !one.hidden)) {
      const price = first("[name^='price.']", row);
      const wholesale = Number(first("[data-wholesale]", row).dataset.wholesale);
      const fen = Math.max(Math.round((wholesale * (100 + percent)) / 100), Number(price.dataset.floor));
      price.value = (fen / 100).toFixed(2);
      show(row);
    }
  });
}

function chart() {
  const box = first("[data-chart]");
  if (!box || !window.echarts) return;
  const lines = JSON.parse(first("[data-lines]").textContent);
  const drawn = echarts.init(box, null, { renderer: "svg" });
  const paint = () => {
    const style = getComputedStyle(root);
    const color = (name) => style.getPropertyValue(name).trim();
    const label = (text, tone) => ({
      show: true, formatter: text, color: color(tone), fontSize: 13, distance: 8,
    });
    drawn.setOption({
      animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      animationDuration: 200,
      grid: { left: 8, right: 72, top: 16, bottom: 8, containLabel: true },
      tooltip: { trigger: "axis", confine: true, valueFormatter: (v) => (v == null ? "—" : `¥${v.toFixed(2)}`) },
      xAxis: {
        type: "category", data: lines.before.map((_, hour) => `${hour} 时`), boundaryGap: false,
        axisTick: { show: false }, axisLine: { lineStyle: { color: color("--line") } },
        axisLabel: { color: color("--quiet"), interval: 3 },
      },
      yAxis: {
        type: "value", min: 0, splitNumber: 3, axisLabel: { color: color("--quiet") },
        splitLine: { lineStyle: { color: color("--line") } },
      },
      series: [
        { name: "上周同日", type: "line", data: lines.before, showSymbol: false, endLabel: label("上周同日", "--quiet"),
          lineStyle: { color: color("--quiet"), width: 1.5, type: "dashed" }, itemStyle: { color: color("--quiet") } },
        { name: "今天", type: "line", data: lines.today, symbolSize: 6, endLabel: label("今天", "--accent"),
          lineStyle: { color: color("--accent"), width: 2.5 }, itemStyle: { color: color("--accent") },
          areaStyle: { color: color("--accent"), opacity: 0.08 } },
      ],
    });
  };
  paint();
  addEventListener("resize", () => drawn.resize());
  addEventListener("themed", paint);
  dark.addEventListener("change", paint);
}

/* One ZIP of every table, fetched month by month; a month that is too large comes day by day. */
function packing() {
  const box = first("[data-pack]");
  if (!box) return;
  box.hidden = false;
  const button = first("button", box), says = first("[data-pack-says]", box);
  const bar = first(".progress", box), done = first(".progress-bar", box);
  const months = box.dataset.months.split(" ");
  const tables = box.dataset.tables.split(" ").map((each) => each.split(":"));
  const stay = (event) => event.preventDefault();
  button.addEventListener("click", async () => {
    button.disabled = true;
    bar.hidden = false;
    addEventListener("beforeunload", stay);
    try {
      const report = await packed(tables, months, (part, whole, words) => {
        done.style.width = `${(100 * part) / whole}%`;
        says.textContent = words;
      });
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(report.zip) });
      link.download = `${box.dataset.pack}-${months.at(-1)}.zip`;
      link.click();
      says.textContent = `已打包 ${tables.length} 张表，订单 ${report.rows} 笔，${Math.ceil(report.zip.size / 1e3)} KB，保存为 ${link.download}。`;
      button.textContent = "再打包一次";
    } catch (error) {
      says.textContent = `没有打包完：${error.message}。数据没有丢，请再试一次。`;
      button.textContent = "重新打包";
    }
    bar.hidden = true;
    button.disabled = false;
    removeEventListener("beforeunload", stay);
  });
}

async function packed(tables, months, tell) {
  const parts = [];
  let rows = 0, failed;
  const zip = new fflate.Zip((error, chunk) => (error ? (failed = error) : parts.push(chunk)));
  for (const [place, [what, name, daily]] of tables.entries()) {
    const file = new fflate.ZipDeflate(`${name}.csv`, { level: 6 });
    zip.add(file);
    file.push(fflate.strToU8("\ufeff"));
    const spans = daily ? months : [""];
    for (const [at, span] of spans.entries()) {
      const words = span ? `${name}，${span.slice(0, 4)} 年 ${+span.slice(4)} 月，第 ${at + 1} 个月，共 ${spans.length} 个月` : name;
      tell(place + at / spans.length, tables.length, words);
      for await (const text of fetched(what, span)) {
        const body = at || text.later ? text.csv.slice(text.csv.indexOf("\n") + 1) : text.csv;
        if (what === "orders") rows += body.split("\n").length - (body === text.csv ? 2 : 1);
        file.push(fflate.strToU8(body));
      }
    }
    file.push(new Uint8Array(), true);
  }
  zip.end();
  if (failed) throw failed;
  return { zip: new Blob(parts, { type: "application/zip" }), rows };
}

async function* fetched(what, span) {
  const answer = await patiently(`/console/leave/export?what=${what}&span=${span}`);
  if (answer.headers.get("Content-Type")?.startsWith("text/csv")) yield { csv: bare(await answer.text()), later: false };
  else if (answer.status === 413 && span.length === 6) {
    const days = new Date(+span.slice(0, 4), +span.slice(4), 0).getDate();
    for (let day = 1; day <= days; day++) {
      for await (const text of fetched(what, `${span}${String(day).padStart(2, "0")}`)) yield { ...text, later: day > 1 };
    }
  } else throw new Error(answer.status === 413 ? `${span} 这一天太大，请联系主站` : "登录已过期，或服务正在恢复");
}

async function patiently(address) {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(address, { headers: { Accept: "text/csv" } }).catch(() => null);
    if (answer && answer.status < 500 && answer.status !== 429) return answer;
    if (tries === 4) throw new Error("网络断开，或服务正在恢复");
    await new Promise((resolve) => setTimeout(resolve, 1000 * tries));
  }
}

const bare = (text) => text.replace(/^\ufeff/, "");

function copying() {
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = first("input", button.parentElement);
      field.select();
      if (navigator.clipboard) await navigator.clipboard.writeText(button.dataset.copy);
      else document.execCommand("copy");
      const label = button.textContent;
      button.textContent = "已复制";
      setTimeout(() => (button.textContent = label), 1600);
    });
  }
}

function printing() {
  for (const button of all("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
}

addEventListener("DOMContentLoaded", () => {
  for (const start of [theme, menu, shortcuts, forms, sift, files, images, preview, live, poll, drawer, margins, chart, copying, packing, printing]) start();
});
