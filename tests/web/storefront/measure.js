// What a page looks like, measured: contrast of text, width, size of what is touched, movement.
const visible = (element) => {
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  return box.width > 1 && box.height > 1 && style.visibility !== "hidden" && style.opacity !== "0" && !style.clipPath.includes("inset");
};
const rgba = (color) => (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = rgba(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
var faint = () => [...document.querySelectorAll("body *")].filter((element) => visible(element) &&
  [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())).map((element) => {
    const [low, high] = [luminance(rgba(getComputedStyle(element).color)), luminance(ground(element))].sort((a, b) => a - b);
    return [element.textContent.trim().slice(0, 30), Math.round(100 * (high + 0.05) / (low + 0.05)) / 100];
  }).filter(([, ratio]) => ratio < 4.5);
var tooWide = () => [...document.querySelectorAll("body *")].filter((element) => visible(element) && !element.closest(".chips") &&
  getComputedStyle(element).position !== "absolute" && element.getBoundingClientRect().right > innerWidth + 1).map((element) => element.outerHTML.slice(0, 80));
var small = () => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), label.choice, .codes > label")]
  .filter((element) => visible(element) && !element.matches(".skip")).map((element) => {
    const box = element.getBoundingClientRect();
    return [element.textContent.trim().slice(0, 20), Math.round(box.width), Math.round(box.height)];
  }).filter(([, width, height]) => width < 40 || height < 44);
var shifted = () => new Promise((resolve) => {
  const moved = [];
  new PerformanceObserver((seen) => moved.push(...seen.getEntries())).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(moved.map((entry) => [entry.value, entry.sources.map((one) => one.node?.outerHTML?.slice(0, 60))])), 60);
});
