"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const NS = "http://www.w3.org/2000/svg";
const WIDTH = Math.max(340, Math.min(920, document.body.clientWidth));

function byId(id) { return document.getElementById(id); }

function element(tag, text, parent) {
  const node = document.createElement(tag);
  node.textContent = text;
  parent.append(node);
  return node;
}

function shape(svg, tag, attributes, text) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  svg.append(node);
  return node;
}

function picture(parent, height, label) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  parent.replaceChildren(svg);
  return svg;
}

/* Buttons of which one is pressed: the choice that is drawn. */
function choices(parent, names, draw) {
  parent.replaceChildren();
  const choose = chosen => {
    [...parent.children].forEach((button, i) => button.setAttribute("aria-pressed", i === chosen));
    draw(chosen);
  };
  names.forEach((name, i) => {
    const button = element("button", name, parent);
    button.type = "button";
    button.addEventListener("click", () => choose(i));
  });
  choose(0);
}

function seconds(s) {
  const [scale, unit] = s >= 1 ? [1, "s"] : s >= 1e-3 ? [1e3, "ms"] : s >= 1e-6 ? [1e6, "µs"] : [1e9, "ns"];
  return (s * scale).toPrecision(3) + " " + unit;
}

function count(n) {
  const power = Math.round(Math.log10(n));
  return power >= 4 && n === 10 ** power ? "1e" + power : String(n);
}

/* The size of a result as people say it. */
function sizeText(result) {
  return /^\d+$/.test(result.shape) ? count(Number(result.shape)) : result.shape;
}

/* The same step up and down on a logarithmic axis, so that twice as fast and twice as slow look alike. */
function scaleOf(values, from, to) {
  const low = Math.log(Math.min(...values)), high = Math.log(Math.max(...values));
  const span = high - low || 1;
  return v => high === low ? (from + to) / 2 : from + (Math.log(v) - low) / span * (to - from);
}

function percent(share) { return Math.round(100 * share) + " %"; }

function fillEnvironment(facts) {
  for (const [name, value] of Object.entries(facts)) {
    element("dt", name.replaceAll("_", " "), byId("environment"));
    element("dd", value === null || value === "" ? "unknown" : String(value), byId("environment"));
  }
  for (const warning of data.warnings) {
    element("dt", "warning", byId("environment"));
    element("dd", warning, byId("environment"));
  }
}
