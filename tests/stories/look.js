// What a person who reads with their ears or walks with the Tab key would miss.
const named = (field) => [field.getAttribute("aria-label"), field.getAttribute("aria-labelledby"), field.title,
  ...[...(field.labels || [])].map((label) => label.textContent)].some((name) => name && name.trim());
var unlabelled = () => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
  .filter((field) => !named(field)).map((field) => field.outerHTML.slice(0, 90));
var nameless = () => [...document.querySelectorAll("a[href], button")].filter((one) =>
  ![one.textContent, one.getAttribute("aria-label"), one.title].some((name) => name && name.trim())).map((one) => one.outerHTML.slice(0, 90));
var pale = () => [...document.querySelectorAll("[placeholder]")].filter(visible).map((field) => {
  const hint = luminance(rgba(getComputedStyle(field, "::placeholder").color));
  const [low, high] = [hint, luminance(ground(field))].sort((a, b) => a - b);
  return [field.placeholder, Math.round(100 * (high + 0.05) / (low + 0.05)) / 100];
}).filter(([, ratio]) => ratio < 4.5);
const shown = (element) => {
  const style = getComputedStyle(element);
  const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 ? style.outlineColor : "";
  return [outline, style.boxShadow, style.borderColor, style.backgroundColor].join();
};
var marked = () => {  // whether the element under the Tab key looks otherwise than without it
  const element = document.activeElement;
  if (element === document.body) return true;
  const focused = shown(element);
  element.blur();
  const plain = shown(element);
  element.focus();
  return focused !== plain;
};
